/** The demo's test: a threshold from validation people, figures and pictures of test people (Node only). */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readCheckpoint, writeCheckpoint } from '../../node/files/checkpoint.ts';
import { encodePng, readBytes } from '../../node/files/image.ts';
import { evaluationRecord, writeEvaluation } from '../../node/measure/evaluation-file.ts';
import { Progress, ProgressBars } from '../../node/system/progress.ts';
import { sha256Of } from '../../node/system/sha256.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import { FaceScorer } from '../../src/detect/scorer.ts';
import { maskThreshold, uncalibrated } from '../../src/detect/verdict.ts';
import { readFace } from '../../src/faces/crops.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { scoreFaces, thresholdFrom } from '../../src/measure/calibration.ts';
import { methodOf, methodsOf } from '../../src/measure/classification.ts';
import { evaluate } from '../../src/measure/evaluate.ts';
import { type SheetFace, truthSheet } from '../../src/measure/report/sheet.ts';
import { maskAt } from '../../src/measure/truth.ts';
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
    const sheet = encodePng(truthSheet(await sheetFaces(detector, faces, seed)));
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

/** Columns of the sheet for the real faces and for each method. */
const facesOfEach = 2;

/** Two real faces and two of each method, drawn by lot, with what the network says of them. */
async function sheetFaces(
  detector: FaceScorer,
  items: readonly ManifestItem[],
  seed: number,
): Promise<SheetFace[]> {
  const drawn = new Random(seed, 'faces of the sheet').shuffle([...items]);
  const of = (wanted: (item: ManifestItem) => boolean) =>
    drawn.filter(wanted).slice(0, facesOfEach);
  const chosen = [
    ...of(({ label }) => label === 0),
    ...methodsOf(items).flatMap((method) =>
      of((item) => item.label === 1 && methodOf(item) === method),
    ),
  ];
  const faces = await Promise.all(chosen.map((item) => readFace(item, readBytes)));
  const detections = await detector.detect(faces.map(({ image }) => image));
  return faces.map((face, k) => ({
    title: chosen[k].label === 1 ? methodOf(chosen[k]) : 'real',
    image: face.image,
    truth: maskAt(face, detector.size),
    detection: detections[k],
  }));
}
