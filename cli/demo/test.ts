/** The demo's test: a threshold from validation people, figures and pictures of test people (Node only). */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readCheckpoint, writeCheckpoint } from '../../node/files/checkpoint.ts';
import { drawPng } from '../../node/files/drawing.ts';
import { readBytes } from '../../node/files/image.ts';
import { evaluationRecord, writeEvaluation } from '../../node/measure/evaluation-file.ts';
import { Progress, ProgressBars } from '../../node/system/progress.ts';
import { sha256Of } from '../../node/system/sha256.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { FaceScorer } from '../../src/detect/scorer.ts';
import { maskThreshold, uncalibrated } from '../../src/detect/verdict.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { scoreFaces, thresholdFrom } from '../../src/measure/calibration.ts';
import { evaluate } from '../../src/measure/evaluate.ts';
import { drawSheetFaces, truthSheet } from '../../src/measure/report/sheet.ts';
import type { Checkpoint, Threshold } from '../../src/model/llsm/checkpoint.ts';
import { mapPositions } from '../../src/model/llsm/positions.ts';

/** Faces in one run of the network. */
const batch = 16;

export interface DemoTestOptions {
  gpu: Gpu;
  out: string;
  /** The training run's folder. */
  run: string;
  /** The data set's folder and its faces. */
  set: string;
  items: readonly ManifestItem[];
  seed: number;
  say(line: string): void;
}

/**
 * Chooses the threshold and stores it in weights.safetensors with the best weights, measures them on
 * the test split, and writes eval.json, scores.csv and sheet.png.
 */
export async function testDemo(options: DemoTestOptions) {
  const { gpu, out, set, items, seed } = options;
  const best = join(options.run, 'best.safetensors');
  const trained = readCheckpoint(
    existsSync(best) ? best : join(options.run, 'weights.safetensors'),
  );
  const detector = await FaceScorer.build(gpu, trained, { batch });
  try {
    const threshold = await thresholdOf(detector, options);
    const checkpoint: Checkpoint = { ...trained, ...(threshold && { threshold }) };
    const weights = join(out, 'weights.safetensors');
    writeCheckpoint(weights, checkpoint);

    const faces = items.filter(({ split }) => split === 'test');
    const bars = new ProgressBars();
    const evaluation = await evaluate(faces, {
      predictor: detector,
      read: readBytes,
      threshold: threshold?.value ?? uncalibrated,
      maskThreshold: maskThreshold(threshold),
      positions: mapPositions(checkpoint.config),
      prior: items,
      seed,
      onFace: (what, done, total) => bars.update(what, done, total),
    }).finally(() => bars.stop());
    const record = evaluationRecord(
      {
        weights: {
          file: weights,
          sha256: sha256Of(weights),
          version: checkpoint.version,
        },
        config: checkpoint.config,
        data: { folders: [set], split: 'test', faces: faces.length },
        prior: [set],
        threshold,
        adapter: gpu.name,
        seed,
      },
      evaluation,
    );
    writeEvaluation(out, record, evaluation.scores);
    const drawn = await drawSheetFaces(detector, faces, { read: readBytes, seed });
    const sheet = await drawPng(truthSheet(drawn));
    return { record, threshold, sheet };
  } finally {
    detector.destroy();
  }
}

/** The threshold of equal error rates on the validation faces; undefined where there is none. */
async function thresholdOf(
  detector: FaceScorer,
  { set, items, say }: DemoTestOptions,
): Promise<Threshold | undefined> {
  const faces = items.filter(({ split }) => split === 'val');
  const bar = new Progress({ label: 'threshold', total: faces.length });
  const seen = await scoreFaces(faces, detector, readBytes, (done) => bar.update(done)).finally(
    () => bar.stop(),
  );
  try {
    return thresholdFrom(faces, seen, 'eer', `${basename(set)} (val)`).threshold;
  } catch (error) {
    if (!(error instanceof LlsmError)) throw error;
    say(`No threshold could be chosen, so it stays at ${uncalibrated}: ${error.message}`);
    return undefined;
  }
}
