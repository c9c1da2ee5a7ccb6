import type { Command } from 'commander';
import * as celebdf from './data/celebdf.ts';
import * as deepfakebench from './data/deepfakebench.ts';
import * as faceforensics from './data/faceforensics.ts';
import * as folder from './data/folder.ts';
import * as marks from './data/marks.ts';
import * as points from './data/points.ts';
import * as portraits from './data/portraits.ts';

/** One file an adapter, in the order of the help. */
const adapters = [folder, marks, points, faceforensics, celebdf, deepfakebench, portraits];

export function register(program: Command): void {
  const data = program.command('data').description('Makes a data set from photographs or videos.');
  for (const adapter of adapters) adapter.register(data);
}
