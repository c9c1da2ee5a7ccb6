/** Writes a data set of real faces and forgeries made from them. */
import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { LlsmError } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import { type ForgeMethod, type Forging, forgeMethods } from '../../src/config/forge-schema.ts';
import { cut } from '../../src/faces/crops.ts';
import type { FaceInput, ManifestItem } from '../../src/faces/manifest.ts';
import { Donors } from '../../src/forge/donors.ts';
import { readSubject, type Subject } from '../../src/forge/face.ts';
import { degrade, finish } from '../../src/forge/finish.ts';
import { forgeFace, needsDonor } from '../../src/forge/methods.ts';
import { atSide } from '../../src/forge/pairs.ts';
import { drawShare } from '../../src/forge/self-blend.ts';
import type { GreyImage, RgbImage } from '../../src/image/rgb.ts';
import { encodePng, readBytes } from '../files/image.ts';
import { ManifestWriter } from '../files/manifest.ts';
import { writeFileWhole } from '../system/write-file.ts';

export interface ForgeOptions {
  /** How, and by which methods with their shares of the pairs. */
  forging: Forging;
  /** Pairs of a real picture and its forgery, for each real face. */
  perImage: number;
  seed: number;
  /** Side that faces are brought to before they are forged, in pixels; absent: they stay as they are. */
  side?: number;
  /** Side of the centred square that is kept of each picture, in pixels; absent: all of it. */
  view?: number;
  /** Whole pictures are degraded as `forging.degrade` says; absent: they are not. */
  degraded?: boolean;
}

export interface ForgeResult {
  written: number;
  kept: number;
  /** Forgeries in the set, by method. */
  methods: Record<string, number>;
  dropped: { file: string; reason: string }[];
}

/** Marks what we make, for a pair in words of one length, so that a file's size tells nothing. */
const comments = {
  real: (method: string) => `real picture (LLSM, ${method})`,
  forged: (method: string) => `made forgery (LLSM, ${method})`,
  mask: (method: string) => `mask of a made forgery (LLSM, ${method})`,
};

/**
 * For every real face: pairs of the real picture and a forgery, both through the same finishing
 * with the same random numbers, degraded where that is asked for, and encoded alike. People and splits are carried over; a forgery
 * with another person's features bears both ids. A pair depends on the seed, the real image's path
 * and its number alone, and on the list of real faces where it takes from another person.
 * @throws LlsmError where `out` is one of the sources or was made otherwise, no face is real, or
 *   a method needs another person and there is none.
 */
export async function makeForgeries(
  items: readonly ManifestItem[],
  out: string,
  options: ForgeOptions,
  progress: (done: number, total: number) => void = () => {},
): Promise<ForgeResult> {
  const { forging, view } = options;
  const chosen = forgeMethods.filter((method) => (forging.methods[method] ?? 0) > 0);
  const reals = items.filter((item) => item.label === 0);
  if (reals.length === 0) throw new LlsmError('no real face (label 0) to make forgeries from.');
  if (items.some((item) => resolve(item.folder) === resolve(out))) {
    throw new LlsmError(`--out must be another folder than the real faces' (${out}).`);
  }
  const needed = chosen.some(needsDonor);
  const read = async (item: ManifestItem) => {
    const face = await readSubject(item, readBytes);
    return options.side === undefined ? face : atSide(face, options.side);
  };
  const donors = needed ? new Donors(reals, read) : null;
  const writer = await ManifestWriter.open(out, {
    command: 'forge',
    forging,
    perImage: options.perImage,
    seed: options.seed,
    ...(needed && { faces: fingerprint(reals) }),
    ...(options.side !== undefined && { side: options.side }),
    ...(view !== undefined && { view }),
    ...(options.degraded && { degraded: true }),
  });
  const result: ForgeResult = {
    written: 0,
    kept: writer.existing.length,
    methods: Object.fromEntries(chosen.map((method) => [method, 0])),
    dropped: [],
  };
  for (const { method } of writer.existing) if (method) result.methods[method]++;
  const have = new Set(writer.existing.map((face) => face.image));
  const names = uniqueNames(reals);
  const work = { writer, have, read, donors, options, result };
  try {
    for (const [done, item] of reals.entries()) {
      try {
        await writePairs(item, names[done], work);
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

/** Whom a face can be given to depends on the list: a set is continued with the same one only. */
function fingerprint(reals: readonly ManifestItem[]): string {
  const hash = createHash('sha256');
  for (const { image, box, split, people } of reals) {
    hash.update(`${JSON.stringify([image, box, split, people])}\n`);
  }
  return `${reals.length} real faces ${hash.digest('hex').slice(0, 16)}`;
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

interface Work {
  writer: ManifestWriter;
  have: ReadonlySet<string>;
  read(item: ManifestItem): Promise<Subject>;
  donors: Donors | null;
  options: ForgeOptions;
  result: ForgeResult;
}

async function writePairs(item: ManifestItem, name: string, work: Work): Promise<void> {
  const { writer, have, read, donors, options, result } = work;
  const { seed, forging, view } = options;
  const numbers = Array.from({ length: options.perImage }, (_, number) => number);
  const pairs = numbers.map((number) => {
    const draw = new Random(seed, `method ${item.image}`, number);
    const method: ForgeMethod = drawShare(forging.methods, draw);
    const file = `${name}-${method}-${number}`;
    const [real, forged] = [`images/${file}-0.png`, `images/${file}-1.png`];
    return { method, number, real, forged, mask: `masks/${file}.png` };
  });
  const missing = pairs.filter(({ real, forged }) => !have.has(real) || !have.has(forged));
  if (missing.length === 0) return;
  const face = await orUnusable(() => read(item));
  const { people, dataset, split, frame, video, side } = item;
  const common = { frame, dataset, split, ...(side !== undefined && { side }) };
  for (const { method, number, real, forged, mask } of missing) {
    const random = new Random(seed, `forge ${method} ${item.image}`, number);
    const other = new Random(seed, `donor ${method} ${item.image}`, number);
    const made = await orUnusable(() =>
      forgeFace(method, item, face, { random, other, donors, read: readBytes }, forging),
    );
    const pictures = [
      { path: real, image: made.real, comment: comments.real(method) },
      { path: forged, image: made.image, comment: comments.forged(method) },
    ];
    const flow = new Random(seed, `degrade ${method} ${item.image}`, number);
    const degraded = options.degraded && flow.chance(forging.degrade.chance);
    const alike = flow.chance(forging.degrade.same);
    for (const [k, { path, image, comment }] of pictures.entries()) {
      const end = new Random(seed, `finish ${method} ${item.image}`, number);
      const finished = finish(centred(image, view), forging.finish, end);
      const way = `degrade ${alike ? 0 : k} ${method} ${item.image}`;
      const shown = degraded
        ? degrade(finished, forging.degrade, new Random(seed, way, number))
        : finished;
      const png = encodePng(shown, { Comment: comment });
      writeFileWhole(join(writer.folder, path), [png]);
    }
    const maskPng = encodePng(centred(made.mask, view), { Comment: comments.mask(method) });
    writeFileWhole(join(writer.folder, mask), [maskPng]);
    const title = `${video}/${method}`;
    const lines: FaceInput[] = [
      { image: real, label: 0, people, video, ...common },
      {
        ...{ image: forged, label: 1, people: made.people, mask, video: title, method },
        ...{ ...common, made: made.made },
      },
    ];
    const absent = lines.filter((line) => !have.has(line.image));
    await writer.append(...absent);
    result.written += absent.length;
    if (!have.has(forged)) result.methods[method]++;
  }
}

/** The centred square of a side, where one is given. */
function centred<Picture extends RgbImage | GreyImage>(picture: Picture, side?: number): Picture {
  const { width, height } = picture;
  if (side === undefined || side >= Math.min(width, height)) return picture;
  return cut(picture, [(width - side) >> 1, (height - side) >> 1, side, side]);
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
