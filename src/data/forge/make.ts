/** Writes a data set of real faces and forgeries made from them. */
import { join, resolve } from 'node:path';
import { LlsmError } from '../../errors.ts';
import { Random } from '../../random.ts';
import { writeFileWhole } from '../../write-file.ts';
import { readFace } from '../crops.ts';
import { encodePng, readBytes } from '../image-node.ts';
import type { FaceInput, ManifestItem } from '../manifest.ts';
import { ManifestWriter } from '../manifest-node.ts';
import { finish } from './finish.ts';
import { type Forge, selfBlend } from './self-blend.ts';

/** The methods by the names that manifests and the command line use. */
export const methods: Readonly<Record<string, Forge>> = { 'self-blend': selfBlend };

export interface ForgeOptions {
  methods: readonly string[];
  /** Pairs of a real picture and its forgery, for each method and real face. */
  perImage: number;
  seed: number;
}

export interface ForgeResult {
  written: number;
  kept: number;
  dropped: { file: string; reason: string }[];
}

/** Marks what we make, in words of one length, so that a file's size tells nothing. */
const comments = { 0: 'This is a real face', 1: 'made forgery (LLSM)' } as const;

/**
 * For every real face: pairs of the real picture and a forgery, both through the same finishing
 * with the same random numbers, and encoded alike. People and splits are carried over. A pair
 * depends on the seed, the real image's path, the method and its number alone.
 * @throws LlsmError where `out` is one of the sources or was made otherwise, or no face is real.
 */
export async function makeForgeries(
  items: readonly ManifestItem[],
  out: string,
  options: ForgeOptions,
  progress: (done: number, total: number) => void = () => {},
): Promise<ForgeResult> {
  for (const method of options.methods) {
    if (!Object.hasOwn(methods, method)) {
      throw new LlsmError(
        `there is no forging method "${method}". Known: ${Object.keys(methods).join(', ')}.`,
      );
    }
  }
  const reals = items.filter((item) => item.label === 0);
  if (reals.length === 0) throw new LlsmError('no real face (label 0) to make forgeries from.');
  if (items.some((item) => resolve(item.folder) === resolve(out))) {
    throw new LlsmError(`--out must be another folder than the real faces' (${out}).`);
  }
  const writer = await ManifestWriter.open(out, { command: 'forge', ...options });
  const have = new Set(writer.existing.map((face) => face.image));
  const result: ForgeResult = { written: 0, kept: have.size, dropped: [] };
  const names = uniqueNames(reals);
  try {
    for (const [done, item] of reals.entries()) {
      try {
        result.written += await writePairs(writer, item, names[done], have, options);
      } catch (error) {
        if (!(error instanceof Unusable)) throw error;
        result.dropped.push({ file: item.image, reason: error.message });
      }
      progress(done + 1, reals.length);
    }
  } finally {
    await writer.close();
  }
  const lines = result.dropped.map((entry) => `${JSON.stringify(entry)}\n`);
  writeFileWhole(join(out, 'dropped.jsonl'), lines);
  if (result.written + result.kept === 0) {
    throw new LlsmError(`no forgery could be made: ${result.dropped[0].reason}`);
  }
  return result;
}

/** File names without extension: from the image's path, with the number of its place where two agree. */
function uniqueNames(items: readonly ManifestItem[]): string[] {
  const seen = new Map<string, number>();
  return items.map(({ image, box }) => {
    const stem = image
      .replace(/^images\//, '')
      .replace(/\.\w+$/, '')
      .replaceAll('/', '__');
    const name = box ? `${stem}-${box.map(Math.round).join('-')}` : stem;
    const times = seen.get(name) ?? 0;
    seen.set(name, times + 1);
    return times === 0 ? name : `${name}~${times}`;
  });
}

async function writePairs(
  writer: ManifestWriter,
  item: ManifestItem,
  name: string,
  have: Set<string>,
  { methods: chosen, perImage, seed }: ForgeOptions,
): Promise<number> {
  const pairs = chosen.flatMap((method) =>
    Array.from({ length: perImage }, (_, number) => {
      const file = `${name}-${method}-${number}`;
      return {
        method,
        number,
        real: `images/${file}-0.png`,
        forged: `images/${file}-1.png`,
        mask: `masks/${file}.png`,
      };
    }),
  );
  const missing = pairs.filter(({ real, forged }) => !have.has(real) || !have.has(forged));
  if (missing.length === 0) return 0;
  const face = (await orUnusable(() => readFace(item, readBytes))).image;
  const { people, dataset, split, frame, video } = item;
  const common = { frame, people, dataset, split };
  let written = 0;
  for (const { method, number, real, forged, mask } of missing) {
    const draw = new Random(seed, `forge ${method} ${item.image}`, number);
    const made = await orUnusable(() => methods[method](face, draw));
    const pictures = [
      { path: real, image: made.real, comment: comments[0] },
      { path: forged, image: made.image, comment: comments[1] },
    ];
    for (const { path, image, comment } of pictures) {
      const end = new Random(seed, `finish ${method} ${item.image}`, number);
      const png = encodePng(await finish(image, end), { Comment: comment });
      writeFileWhole(join(writer.folder, path), [png]);
    }
    writeFileWhole(join(writer.folder, mask), [encodePng(made.mask)]);
    const lines: FaceInput[] = [
      { image: real, label: 0, video, ...common },
      { image: forged, label: 1, mask, video: `${video}/${method}`, method, ...common },
    ];
    const absent = lines.filter((line) => !have.has(line.image));
    await writer.append(...absent);
    written += absent.length;
  }
  return written;
}

/** A real face that no forgery can be made from; the others go on. */
class Unusable extends Error {}

async function orUnusable<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LlsmError) throw new Unusable(error.message);
    throw error;
  }
}
