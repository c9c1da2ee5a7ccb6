/** Learning curves of a run's folder (Node only). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import {
  type CurvesOptions,
  curvesFile,
  type MetricsLine,
  parseMetrics,
} from '../../src/measure/report/curves.ts';
import { writeFileWhole } from '../system/write-file.ts';

/**
 * The lines of a run's metrics.jsonl; none where it has not begun.
 * @throws LlsmError naming the file, where it cannot be read or is damaged
 */
export function readMetrics(runFolder: string): MetricsLine[] {
  const path = join(runFolder, 'metrics.jsonl');
  if (!existsSync(path)) return [];
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
  return parseMetrics(text, path);
}

/**
 * Draws a run's metrics.jsonl as curves.svg beside it.
 * @returns the file; undefined where there is nothing to draw yet
 * @throws LlsmError as `readMetrics`, or where it cannot be written
 */
export function writeCurves(runFolder: string, options: CurvesOptions = {}): string | undefined {
  const svg = curvesFile(readMetrics(runFolder), options);
  if (svg === undefined) return undefined;
  const path = join(runFolder, 'curves.svg');
  writeFileWhole(path, [svg]);
  return path;
}
