/** Real faces with a forgery drawn at each visit: what training sees where `train.forge` is set. */
import { LlsmError } from '../base/errors.ts';
import { Random } from '../base/random.ts';
import type { Forging } from '../config/forge-schema.ts';
import { mirror } from '../faces/augment.ts';
import { type Crop, type CropSource, defaultCacheBytes, type ReadBytes } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import type { Box } from '../image/pixels.ts';
import { resample, resize } from '../image/resample.ts';
import type { GreyImage, RgbImage } from '../image/rgb.ts';
import { recolour, refocus } from './change.ts';
import { Donors } from './donors.ts';
import { markedBy, readSubject, type Similarity, type Subject } from './face.ts';
import { degraded, finishPlane } from './finish.ts';
import { forgeFace, needsDonor } from './methods.ts';
import {
  imageOf,
  mirrored as mirroredIndex,
  mirrorPlane,
  type Plane,
  planeOf,
  planeOfWhole,
  round,
  sample,
  scaled,
} from './plane.ts';
import { inScratch, roomFor } from './scratch.ts';
import { drawShare } from './self-blend.ts';

export interface PairOptions {
  /** Side of the network's input. */
  size: number;
  seed: number;
  /** How faces are forged at a step. */
  forgingAt: (step: number) => Forging;
  read: ReadBytes;
  /** Face crops kept in memory, in bytes. */
  cacheBytes?: number;
}

/** A face brought to a square of this side, with its landmarks. */
export function atSide(face: Subject, side: number): Subject {
  const { width, height } = face.image;
  if (width === side && height === side) return face;
  const moved = markedBy(face, ([x, y]) => [(x * side) / width, (y * side) / height]);
  return { image: resize(face.image, side, side), ...moved };
}

/** Real faces, each as the pair of itself and a forgery. */
export class PairLoader implements CropSource<Crop[]> {
  readonly items: readonly ManifestItem[];
  readonly #options: Required<PairOptions>;
  readonly #cache = new Map<ManifestItem, Subject>();
  readonly #donors: Donors | null;
  #cached = 0;

  /**
   * @param items real faces
   * @throws LlsmError where a face is forged already, or a method takes from another person and there is none
   */
  constructor(items: readonly ManifestItem[], options: PairOptions) {
    this.items = items;
    this.#options = { cacheBytes: defaultCacheBytes, ...options };
    const forged = items.find(({ label }) => label === 1);
    if (forged) {
      throw new LlsmError(
        `${forged.folder}/${forged.image} is forged, and train.forge makes its own of real faces: leave it out.`,
      );
    }
    this.#donors = items.every(({ people }) => people.length > 0)
      ? new Donors(items, (item) => this.#subject(item))
      : null;
  }

  async #subject(item: ManifestItem): Promise<Subject> {
    const known = this.#cache.get(item);
    if (known) return known;
    const { crop } = this.#options.forgingAt(0);
    const face = atSide(await readSubject(item, this.#options.read), crop);
    const bytes = face.image.data.length;
    // What is in stays in: a training epoch visits in random order.
    if (this.#cached + bytes <= this.#options.cacheBytes && !this.#cache.has(item)) {
      this.#cached += bytes;
      this.#cache.set(item, face);
    }
    return face;
  }

  /**
   * The real face at `index` and a forgery of it, with one view of both. Depends on (seed, step, index),
   * the list of faces and the config alone.
   * @throws LlsmError naming the picture where it cannot be read or forged
   */
  async load(index: number, step: number): Promise<Crop[]> {
    const { size, seed } = this.#options;
    const forging = this.#options.forgingAt(step);
    const item = this.items[index];
    const stream = (purpose: string) => new Random(seed, `forge: ${purpose}`, step, index);
    const random = stream('pair');
    const method = drawShare(forging.methods, random);
    if (needsDonor(method) && !this.#donors) {
      throw new LlsmError(
        `train.forge: ${method} takes from another person, and of some faces it is not known who it is (people in the manifest): set its share to 0, or make the set again with people.`,
      );
    }
    const kept = await this.#subject(item);
    const face = random.chance(forging.vary) ? varied(kept, random) : kept;
    let pair: { real: RgbImage; image: RgbImage; mask: GreyImage };
    try {
      const other = stream('donor');
      const { read } = this.#options;
      const sources = { random, other, donors: this.#donors, read };
      pair = await forgeFace(method, item, face, sources, forging);
    } catch (error) {
      if (!(error instanceof LlsmError)) throw error;
      throw new LlsmError(`${item.folder}/${item.image}: ${error.message}`);
    }
    const view = drawView(size, forging, stream('view'));
    const flow = stream('finish');
    const alike = flow.chance(forging.finish.same);
    const degrading = flow.chance(forging.degrade.chance);
    const degradedAlike = flow.chance(forging.degrade.same);
    const [real, forged] = [pair.real, pair.image].map((image, k) =>
      inScratch(roomFor(image) + roomFor({ width: size, height: size }), () => {
        const seen = inView(image, view, size);
        finishPlane(seen, forging.finish, stream(alike || k === 0 ? 'finish 0' : 'finish 1'));
        if (!degrading) return inputOf(seen);
        const worse = stream(degradedAlike || k === 0 ? 'degrade 0' : 'degrade 1');
        return inputOf(degraded(seen, forging.degrade, worse));
      }),
    );
    const mask = maskInView(pair.mask, view, size);
    return [
      { image: real, mask: new Float32Array(size * size), label: 0, maskWeight: 1 },
      { image: forged, mask, label: 1, maskWeight: 1 },
    ];
  }
}

/** The face with other colours and another sharpness, before it is forged. */
function varied(face: Subject, random: Random): Subject {
  const { image } = face;
  return inScratch(roomFor(image), () => {
    const plane = planeOfWhole(image);
    recolour(plane, random, 0.5);
    return { ...face, image: imageOf(refocus(plane, random, image.width / 256).plane) };
  });
}

/** The bytes of a plane of whole grey levels, outside of scratch memory: see `networkInput`. */
const inputOf = (plane: Plane): Uint8Array => new Uint8Array(imageOf(plane).data.buffer);

interface View {
  box: Box;
  mirrored: boolean;
  /** From the view's pixels, of the input's size, to the crop's, where it is turned. */
  turned: Similarity | null;
}

/**
 * A window of the input's size, or, as `view.resize` says, a square of another size; or, as `view.turn`
 * says, one that is turned.
 */
function drawView(size: number, { crop, view }: Forging, random: Random): View {
  const mirrored = random.chance(view.flip);
  const resized = random.chance(view.resize);
  const drawn = Math.round(crop * random.uniform(...view.side));
  const side = resized ? drawn : size;
  const box: Box = [random.int(crop - side + 1), random.int(crop - side + 1), side, side];
  if (!random.chance(view.turn)) return { box, mirrored, turned: null };
  const angle = (random.uniform(-view.degrees, view.degrees) * Math.PI) / 180;
  const scale = side / size / random.uniform(...view.zoom);
  const [a, b] = [scale * Math.cos(angle), scale * Math.sin(angle)];
  const [x, y] = [box[0] + side / 2, box[1] + side / 2];
  const half = size / 2;
  const turned = { a, b, x0: x - a * half + b * half, y0: y - b * half - a * half };
  return { box, mirrored, turned };
}

function inView(image: RgbImage, { box, mirrored, turned }: View, size: number): Plane {
  let seen = turned ? sample(planeOfWhole(image), turned, [0, 0, size, size]) : planeOf(image, box);
  if (seen.width !== size) seen = scaled(seen, size, size, 'triangle');
  round(seen);
  if (mirrored) mirrorPlane(seen);
  return seen;
}

/** 1 where more than half is altered, [size, size]. */
function maskInView(mask: GreyImage, { box, mirrored, turned }: View, size: number): Float32Array {
  const seen = new Float32Array(size * size);
  if (turned) nearestOf(mask, turned, size, seen);
  else if (box[2] === size) copyBox(mask, box, seen);
  else resample(mask, 1, box, size, size, seen);
  if (mirrored) mirror(seen, size, size, 1);
  for (let i = 0; i < seen.length; i++) seen[i] = seen[i] > 127.5 ? 1 : 0;
  return seen;
}

/** The mask where the turned view's pixels lie; beyond its borders it is mirrored, as pictures are. */
function nearestOf(
  mask: GreyImage,
  { a, b, x0, y0 }: Similarity,
  size: number,
  out: Float32Array,
): void {
  const { width, height, data } = mask;
  for (let y = 0, to = 0; y < size; y++) {
    for (let x = 0; x < size; x++, to++) {
      const u = a * (x + 0.5) - b * (y + 0.5) + x0;
      const v = b * (x + 0.5) + a * (y + 0.5) + y0;
      const column = mirroredIndex(Math.floor(u), width);
      out[to] = data[mirroredIndex(Math.floor(v), height) * width + column];
    }
  }
}

function copyBox({ width, data }: GreyImage, [left, top, w, h]: Box, out: Float32Array): void {
  for (let y = 0, to = 0; y < h; y++) {
    const row = (top + y) * width + left;
    for (let x = 0; x < w; x++, to++) out[to] = data[row + x];
  }
}
