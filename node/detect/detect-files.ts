/** The examiner on image files: one finding a file, its pictures where they are wanted (Node only). */
import { createHash } from 'node:crypto';
import { ahead } from '../../src/base/ahead.ts';
import { LlsmError } from '../../src/base/errors.ts';
import type { ExaminedFace, Examiner, FoundCrop } from '../../src/detect/examiner.ts';
import { type Finding, verdictOfAll } from '../../src/detect/finding.ts';
import { type Shown, shownAll } from '../../src/detect/pictures.ts';
import { decodeImage } from '../../src/image/codecs.ts';
import { readBytes } from '../files/image.ts';
import type { Source } from './sources.ts';

/** A face with the part of its photograph that pictures are made of, where there shall be any. */
export interface LookedFace extends ExaminedFace {
  shown: Shown | undefined;
}

/** A file, what is said of it, and what its pictures are made of. */
export interface Looked {
  source: Source;
  finding: Finding;
  faces: LookedFace[];
}

interface Loaded {
  source: Source;
  sha256: string | null;
  crops: (FoundCrop & { shown: Shown | undefined })[];
  error?: string;
}

/**
 * Looks at pictures, in their order: the next ones are read while the GPU works, and the faces of
 * several go in one run. One that cannot be read does not stop the rest.
 * @param withPictures whether the photographs are kept, made small, for pictures of what was found
 * @throws LlsmError where the GPU failed
 */
export async function* lookAtFiles(
  examiner: Examiner,
  sources: readonly Source[],
  withPictures: boolean,
): AsyncGenerator<Looked, void, undefined> {
  const { batch } = examiner.detector;
  let pending: Loaded[] = [];
  const judged = async (): Promise<Looked[]> => {
    const faces = await examiner.judge(pending.flatMap(({ crops }) => crops));
    const looked = pending.map((loaded) => lookedAt(loaded, faces.splice(0, loaded.crops.length)));
    pending = [];
    return looked;
  };
  const read = (source: Source) => load(examiner, source, withPictures);
  for await (const loaded of ahead(sources, Math.min(batch, 8) + 1, read)) {
    pending.push(loaded);
    const asked = pending.flatMap(({ crops }) => crops.filter(({ face }) => face !== null));
    if (asked.reduce((sum, { views }) => sum + views.length, 0) >= batch) yield* await judged();
  }
  yield* await judged();
}

async function load(examiner: Examiner, source: Source, withPictures: boolean): Promise<Loaded> {
  if (source.error !== undefined) {
    return { source, sha256: null, crops: [], error: source.error };
  }
  let sha256: string | null = null;
  try {
    const bytes = await readBytes(source.path);
    sha256 = createHash('sha256').update(bytes).digest('hex');
    const image = await decodeImage(bytes, source.path);
    const found = await examiner.find(image);
    const squares = found.map(({ square }) => square);
    const pictures = withPictures ? shownAll(image, squares) : [];
    const crops = found.map((crop, k) => ({ ...crop, shown: pictures[k] }));
    return { source, sha256, crops };
  } catch (error) {
    if (error instanceof LlsmError) return { source, sha256, crops: [], error: error.message };
    throw error;
  }
}

function lookedAt({ source, sha256, crops, error }: Loaded, examined: ExaminedFace[]): Looked {
  const faces = examined.map((face, k) => ({ ...face, shown: crops[k].shown }));
  const failed = error !== undefined;
  const finding: Finding = {
    file: source.path,
    sha256,
    kind: 'image',
    faces: faces.map((face) => face.finding),
    verdict: failed ? null : verdictOfAll(faces.map((face) => face.finding)),
    error: failed ? { message: error } : null,
  };
  return { source, finding, faces };
}
