/** The way from a manifest's line to what the network is fed. Nothing here knows where bytes come from. */
import { LlsmError } from '../base/errors.ts';
import { Random } from '../base/random.ts';
import type { Augment } from '../config/augment-schema.ts';
import { decodeImage, greyOf } from '../image/codecs.ts';
import { networkInput } from '../image/input.ts';
import { type Box, clampBox } from '../image/pixels.ts';
import { resample, resize } from '../image/resample.ts';
import type { GreyImage, RgbImage } from '../image/rgb.ts';
import { augmentPixels, drawView, mirror } from './augment.ts';
import type { Face, ManifestItem } from './manifest.ts';

/** A face cut out of its image, at the image's own resolution, with its mask if it has one. */
export interface FaceCrop {
  image: RgbImage;
  mask: GreyImage | null;
}

/** One training item. */
export interface Crop {
  /** [size, size, 3], as `networkInput` gives it. */
  image: Uint8Array;
  /** [size, size] in [0, 1]; all 0 for a real face; null where it is not known. */
  mask: Float32Array | null;
  label: 0 | 1;
  /** 0 where the mask is not known: then neither mask nor pair loss is taken. */
  maskWeight: 0 | 1;
}

/**
 * The part of an image that is the face crop: all of it where there is no box, else the square of
 * floor(scale * the longer side) about the box's centre, cut smaller at the image's border
 * (FaceForensics++, detect_from_video.py, whose scale is 1.3).
 */
export function cropBox(box: Face['box'], width: number, height: number, scale = 1.3): Box {
  if (!box) return [0, 0, width, height];
  const [x, y, w, h] = box;
  const side = Math.floor(Math.max(w, h) * scale);
  const left = Math.max(0, Math.floor(x + w / 2 - side / 2));
  const top = Math.max(0, Math.floor(y + h / 2 - side / 2));
  const rest = Math.min(side, width - left, height - top);
  return clampBox([left, top, rest, rest], width, height);
}

/** The pixels of a box that lies inside the picture; its numbers are whole. */
export function cut<T extends RgbImage | GreyImage>(source: T, [x, y, w, h]: Box): T {
  if (w === source.width && h === source.height) return source;
  const channels = source.data.length / (source.width * source.height);
  const data = new Uint8ClampedArray(w * h * channels);
  for (let row = 0; row < h; row++) {
    const from = ((y + row) * source.width + x) * channels;
    data.set(source.data.subarray(from, from + w * channels), row * w * channels);
  }
  return { ...source, width: w, height: h, data };
}

/** Reads a file's bytes; in Node `readBytes` of image-node.ts. */
export type ReadBytes = (path: string) => Promise<Uint8Array>;

/**
 * Reads the face that a manifest names, and its mask.
 * @param change of the whole picture, before the face is cut from it
 * @throws LlsmError naming the file: see `decodeImage`; a mask of another size; a box outside.
 */
export async function readFace(
  item: ManifestItem,
  read: ReadBytes,
  change: (image: RgbImage) => RgbImage | Promise<RgbImage> = (image) => image,
): Promise<FaceCrop> {
  const path = `${item.folder}/${item.image}`;
  const image = await change(await decodeImage(await read(path), path));
  const box = cropBox(item.box, image.width, image.height);
  if (box[2] < 1 || box[3] < 1) {
    throw new LlsmError(
      `${path}: its box ${item.box} lies outside of the ${image.width} x ${image.height} picture.`,
    );
  }
  if (item.mask === null) return { image: cut(image, box), mask: null };
  const maskPath = `${item.folder}/${item.mask}`;
  const mask = greyOf(await decodeImage(await read(maskPath), maskPath), maskPath);
  if (mask.width !== image.width || mask.height !== image.height) {
    throw new LlsmError(
      `${maskPath} is ${mask.width} x ${mask.height}, but its image ${item.image} is ${image.width} x ${image.height}. They must be of one size.`,
    );
  }
  return { image: cut(image, box), mask: cut(mask, box) };
}

/** Bytes of decoded faces that are kept in memory. */
export const defaultCacheBytes = 256 * 2 ** 20;

export interface CropOptions {
  /** Side of the network's input. */
  size: number;
  seed: number;
  augment: Augment | false;
  read: ReadBytes;
  /** Decoded faces kept in memory, in bytes (`defaultCacheBytes`; 0 keeps none). */
  cacheBytes?: number;
}

/**
 * Where training takes its faces from. What `load` gives depends on the item and the step alone: a
 * crop, or several that belong together.
 */
export interface CropSource<Loaded extends Crop | Crop[] = Crop> {
  readonly items: readonly ManifestItem[];
  load(index: number, step: number): Promise<Loaded>;
}

/** The items of a data set as crops. What `load` gives depends on (seed, step, index) alone. */
export class CropLoader implements CropSource {
  readonly items: readonly ManifestItem[];
  readonly #options: Required<CropOptions>;
  readonly #cache = new Map<number, FaceCrop>();
  #cached = 0;

  constructor(items: readonly ManifestItem[], options: CropOptions) {
    this.items = items;
    this.#options = { cacheBytes: defaultCacheBytes, ...options };
  }

  async #face(index: number): Promise<FaceCrop> {
    const known = this.#cache.get(index);
    if (known) return known;
    const face = await readFace(this.items[index], this.#options.read);
    const bytes = face.image.data.length + (face.mask?.data.length ?? 0);
    // What is in stays in: a training epoch visits in random order, where the oldest is as likely
    // to be wanted next as any other.
    if (this.#cached + bytes <= this.#options.cacheBytes && !this.#cache.has(index)) {
      this.#cached += bytes;
      this.#cache.set(index, face);
    }
    return face;
  }

  /**
   * The item at `index` as the network's input, augmented with the numbers of (seed, step, index).
   * @throws LlsmError as `readFace`.
   */
  async load(index: number, step: number): Promise<Crop> {
    const { size, seed, augment } = this.#options;
    const item = this.items[index];
    const face = await this.#face(index);
    const random = new Random(seed, 'augment', step, index);
    const { width, height } = face.image;
    const whole: Box = [0, 0, width, height];
    const view = augment
      ? drawView(width, height, augment, random)
      : { box: whole, mirrored: false };
    let image = resize(face.image, size, size, view.box);
    if (view.mirrored) mirror(image.data, size, size, 3);
    if (augment) image = await augmentPixels(image, augment, random);
    const known = item.label === 0 || face.mask !== null;
    const mask = known ? new Float32Array(size * size) : null;
    if (mask && face.mask) {
      resample(face.mask, 1, view.box, size, size, mask);
      for (let i = 0; i < mask.length; i++) mask[i] /= 255;
      if (view.mirrored) mirror(mask, size, size, 1);
    }
    return { image: networkInput(image, size), mask, label: item.label, maskWeight: known ? 1 : 0 };
  }
}
