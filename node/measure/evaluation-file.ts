/** An evaluation as files: eval.json, all that the measures hang on, and scores.csv (Node only). */
import { join } from 'node:path';
import { version } from '../../src/base/version.ts';
import type { Config } from '../../src/config/config.ts';
import { scope, uncalibrated } from '../../src/detect/verdict.ts';
import type { Dtype } from '../../src/graph/tensor.ts';
import type { Scored } from '../../src/measure/classification.ts';
import type { Evaluation } from '../../src/measure/evaluate.ts';
import type { Robustness } from '../../src/measure/robustness.ts';
import type { Threshold } from '../../src/model/llsm/checkpoint.ts';
import { csvOf } from '../files/csv.ts';
import { writeFileWhole } from '../system/write-file.ts';

/** Network, faces and settings that an evaluation was made with. */
export interface EvaluationOrigin {
  weights: { file: string; sha256: string; version: string };
  config: Config;
  data: { folders: readonly string[]; split: string; faces: number };
  /** Folders whose training masks made the constant predictor. */
  prior: readonly string[];
  /** Threshold of the verdict; absent where the network is uncalibrated. */
  threshold?: Threshold | { value: number; rule: string };
  adapter: string;
  /** Type that feature maps were stored in; absent: f32. */
  precision?: Dtype;
  seed: number;
}

/** The content of eval.json; the scores are in a file of their own. */
export function evaluationRecord(
  origin: EvaluationOrigin,
  evaluation: Evaluation,
  robustness?: Robustness,
) {
  const { scores: _, ...measures } = evaluation;
  const { threshold, adapter, precision = 'f32', seed, ...rest } = origin;
  return {
    version,
    ...rest,
    threshold: threshold ?? { value: uncalibrated, rule: 'uncalibrated' },
    adapter,
    precision,
    seed,
    scope,
    ...measures,
    ...(robustness && { robustness }),
  };
}

/** Writes eval.json and scores.csv. @throws LlsmError naming the file that cannot be written */
export function writeEvaluation(
  out: string,
  record: ReturnType<typeof evaluationRecord>,
  scores: readonly Scored[],
): void {
  writeFileWhole(join(out, 'scores.csv'), [toCsv(scores)]);
  writeFileWhole(join(out, 'eval.json'), [`${JSON.stringify(record, null, 2)}\n`]);
}

const columns = [
  ...['image', 'label', 'method', 'video', 'probability'],
  ...['region', 'cue', 'ratio', 'mask_share', 'side'],
];

/** RFC 4180: a line a face. */
function toCsv(scores: readonly Scored[]): string {
  const rows = scores.map((s) => [
    ...[s.image, s.label, s.method, s.video, s.probability],
    ...[s.traits?.made?.region, s.traits?.made?.cue, s.traits?.made?.ratio],
    ...[s.traits?.maskShare?.toFixed(4), s.traits?.side],
  ]);
  return csvOf(columns, rows);
}
