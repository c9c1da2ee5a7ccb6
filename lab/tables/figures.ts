/** One network on one data set: evaluated, or read from where it was (Node only). */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readTable } from '../../node/files/csv.ts';
import { readBytes } from '../../node/files/image.ts';
import { evaluationRecord, writeEvaluation } from '../../node/measure/evaluation-file.ts';
import { Progress } from '../../node/system/progress.ts';
import { makeFolder } from '../../node/system/write-file.ts';
import { LlsmError } from '../../src/base/errors.ts';
import type { VideoRule } from '../../src/detect/pooling.ts';
import type { FaceScorer } from '../../src/detect/scorer.ts';
import { uncalibrated } from '../../src/detect/verdict.ts';
import { evaluate } from '../../src/measure/evaluate.ts';
import { shortHash, type Test } from './grid.ts';
import { readJson } from './json.ts';
import type { FaceScore } from './people.ts';
import type { Trained } from './training.ts';

/** Of the bootstrap: the same faces give the same intervals. */
const seed = 0;

/** What `writeEvaluation` writes last. */
const fileName = 'eval.json';

const figure = z.number().nullable();
const figuresSchema = z.object({
  name: z.string(),
  real: z.int(),
  forged: z.int(),
  auc: figure,
  aucInterval: z.tuple([figure, figure]),
  ap: figure,
  eer: figure,
  accuracy: figure,
  balancedAccuracy: figure,
  flagged: figure,
  falseAlarms: figure,
  lacking: z.string().optional(),
});

/** `ClassMeasures` as JSON has them: shares from 0 to 1; null: there is none, and `lacking` says why. */
export type Figures = z.output<typeof figuresSchema>;

const testedSchema = z.object({
  version: z.string(),
  adapter: z.string(),
  /** All that decides the figures. */
  identity: z.strictObject({
    weights: z.string(),
    faces: z.string(),
    videoRule: z.string(),
    seed: z.int(),
  }),
  /** All forged faces against the real ones, then each method's where there are several. */
  faces: z.array(figuresSchema).min(1),
  /** Absent where no video has two faces. */
  videos: z.array(figuresSchema).min(1).optional(),
});

/** An evaluation as it was kept. */
export type Tested = z.output<typeof testedSchema> & {
  /** Of each face, in the order of the test's. */
  scores: FaceScore[];
};

/** What decides an evaluation besides its faces and weights. */
export interface TestOptions {
  videoRule: VideoRule;
}

const identityOf = (test: Test, weights: string, { videoRule }: TestOptions) => ({
  ...{ weights, faces: test.fingerprint, videoRule, seed },
});

/** The folder of an evaluation, by all that decides it. */
const folderOf = (test: Test, trained: Trained, options: TestOptions): string => {
  const name = test.data.key.replace(/[^\w.+-]/g, '_');
  const hash = shortHash(identityOf(test, trained.sha256, options));
  return join(trained.folder, 'tests', `${name}-${hash}`);
};

/**
 * What was kept of a test with these weights, faces and options; undefined where there is nothing.
 * @throws LlsmError where eval.json is damaged
 */
export function keptFigures(
  test: Test,
  trained: Trained,
  options: TestOptions,
): Tested | undefined {
  const path = join(folderOf(test, trained, options), fileName);
  if (!existsSync(path)) return undefined;
  const kept = readTested(folderOf(test, trained, options), test);
  const wanted = identityOf(test, trained.sha256, options);
  return JSON.stringify(kept.identity) === JSON.stringify(wanted) ? kept : undefined;
}

/** @throws LlsmError where eval.json or scores.csv is damaged */
function readTested(folder: string, { faces }: Test): Tested {
  const tested = readJson(join(folder, fileName), testedSchema);
  const path = join(folder, 'scores.csv');
  const lines = readTable(path, ['probability']);
  if (lines.length !== faces.length) {
    throw new LlsmError(`${path} has ${lines.length} faces, not ${faces.length}: remove ${folder}`);
  }
  const scores = faces.map(({ people, video, label, method }, k) => ({
    ...{ person: people[0] ?? video, label, method },
    probability: Number(lines[k].get('probability')),
  }));
  return { ...tested, scores };
}

/**
 * Evaluates by `evaluate`, and keeps eval.json and scores.csv in the training's folder.
 * @throws LlsmError where a face cannot be read, or the GPU fails: then nothing is kept
 */
export async function testFigures(
  test: Test,
  trained: Trained,
  options: TestOptions,
  { detector, adapter }: { detector: FaceScorer; adapter: string },
): Promise<Tested> {
  const { data, faces, training } = test;
  const bar = new Progress({ label: data.title, total: faces.length });
  const evaluation = await evaluate(faces, {
    predictor: detector,
    read: readBytes,
    threshold: uncalibrated,
    maskThreshold: uncalibrated,
    positions: 0,
    videoRule: options.videoRule,
    seed,
    onFace: (_, done) => bar.update(done),
  }).finally(() => bar.stop());
  const record = {
    ...evaluationRecord(
      {
        weights: {
          file: basename(trained.weights),
          sha256: trained.sha256,
          version: trained.version,
        },
        config: training.config,
        data: { folders: data.folders, split: 'test', faces: faces.length },
        prior: [],
        adapter,
        seed,
      },
      evaluation,
    ),
    identity: identityOf(test, trained.sha256, options),
  };
  const folder = folderOf(test, trained, options);
  makeFolder(folder);
  writeEvaluation(folder, record, evaluation.scores);
  // As it will be read the next time, so that a table is the same then.
  return readTested(folder, test);
}
