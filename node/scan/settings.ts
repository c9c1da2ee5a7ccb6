/** How a scan looks at files, and what its lines are therefore of (Node only). */
import { existsSync } from 'node:fs';
import { LlsmError } from '../../src/base/errors.ts';
import { Examiner } from '../../src/detect/examiner.ts';
import { viewsFor } from '../../src/detect/views.ts';
import { type FacePlace, FixedPlace } from '../../src/faces/place.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import type { Dtype } from '../../src/graph/tensor.ts';
import { readCheckpoint } from '../files/checkpoint.ts';
import { defaultFinder, loadFinder } from '../files/finder.ts';
import { sha256Of } from '../system/sha256.ts';
import type { ScanIdentity } from './line.ts';
import { everyFrame, type ScanWorkerOptions } from './worker.ts';

/** All that a process needs to look at files; it travels as JSON. */
export interface ScanSettings extends ScanWorkerOptions {
  /** The weights' file. */
  weights: string;
  faces: FacePlace | 'auto';
  /** The face finder's file (default the package's own). */
  finder?: string;
  views: 'all' | 'one';
  precision: Dtype;
  /** Views of faces in one run of the network. */
  batch: number;
  /** Of a video, one of how many frames is looked at (default 10). */
  every?: number;
}

/**
 * What the lines of these settings are of: the weights by their hash, and what else changes a verdict.
 * @throws LlsmError naming a file that cannot be read
 */
export function identityOf({
  weights,
  faces,
  finder,
  views,
  precision,
  every = everyFrame,
}: Omit<ScanSettings, 'batch'>): ScanIdentity {
  if (!existsSync(weights)) throw new LlsmError(`The weights ${weights} do not exist.`);
  const place =
    faces === 'auto'
      ? `auto ${sha256Of(finder ?? defaultFinder()).slice(0, 12)}`
      : faces === 'whole'
        ? faces
        : `centre=${faces.centre}`;
  const settings = `faces ${place}, views ${views}, ${precision}, videos ${every}`;
  return { weights: sha256Of(weights), settings };
}

/**
 * Builds what the settings describe on an adapter.
 * @throws LlsmError where a file is no network of its kind, or the adapter cannot run it
 */
export async function buildExaminer(
  gpu: Gpu,
  { weights, faces, finder, views, precision, batch }: ScanSettings,
): Promise<Examiner> {
  const { FaceScorer } = await import('../../src/detect/scorer.ts');
  const checkpoint = readCheckpoint(weights);
  const detector = await FaceScorer.build(gpu, checkpoint, {
    batch,
    dissimilarity: false,
    precision,
  });
  const place = faces === 'auto' ? await loadFinder(gpu, finder) : new FixedPlace(faces);
  const { threshold } = checkpoint;
  return new Examiner(detector, place, {
    threshold,
    views: viewsFor(views),
  });
}
