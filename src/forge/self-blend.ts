/**
 * Self-blended forgeries (Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images",
 * CVPR 2022), from a face crop without landmarks: a face is blended with a changed copy of itself.
 */
import type { Random } from '../base/random.ts';
import { changeColour, resize } from '../image/pixels.ts';
import type { GreyImage, RgbImage } from '../image/rgb.ts';
import { drawMask } from './mask.ts';

export interface Forgery {
  image: RgbImage;
  /** The soft mask before the blending ratio, 255 = taken from the other picture. */
  mask: GreyImage;
  /**
   * The real picture of the pair: what the forgery is outside of its mask. Where the background was
   * changed it is changed too, so that a global change tells the classes apart no better than chance.
   */
  real: RgbImage;
}

/** Makes a forgery: one face crop and a stream of random numbers give one result. */
export type Forge = (face: RgbImage, random: Random) => Forgery;

/** Sharpening: (1 - alpha) of the picture and alpha of [-1 … 8 + lightness … -1]. */
function sharpen(image: RgbImage, alpha: number, lightness: number): RgbImage {
  const { width, height, data } = image;
  const result = new Uint8ClampedArray(data.length);
  const stride = width * 3;
  const centre = 1 - alpha + alpha * (9 + lightness); // the nine below include the centre once
  for (let y = 0; y < height; y++) {
    const up = Math.max(0, y - 1) * stride;
    const here = y * stride;
    const down = Math.min(height - 1, y + 1) * stride;
    for (let i = 0; i < stride; i++) {
      const left = i < 3 ? i : i - 3;
      const right = i >= stride - 3 ? i : i + 3;
      let around = 0;
      for (const row of [up, here, down]) {
        around += data[row + left] + data[row + i] + data[row + right];
      }
      result[here + i] = centre * data[here + i] - alpha * around;
    }
  }
  return { width, height, data: result };
}

/** Fewer pixels by taking the nearest, then back by interpolation. */
function coarsen(image: RgbImage, factor: number): RgbImage {
  const width = Math.max(1, Math.round(image.width / factor));
  const height = Math.max(1, Math.round(image.height / factor));
  const data = new Uint8ClampedArray(width * height * 3);
  for (let y = 0, to = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * image.height) / height) * image.width;
    for (let x = 0; x < width; x++, to += 3) {
      const from = (row + Math.floor(((x + 0.5) * image.width) / width)) * 3;
      data[to] = image.data[from];
      data[to + 1] = image.data[from + 1];
      data[to + 2] = image.data[from + 2];
    }
  }
  return resize({ width, height, data }, image.width, image.height);
}

/** The change of colour and frequency content that one of the two pictures gets. */
function change(image: RgbImage, random: Random): RgbImage {
  const data = image.data.slice();
  const shift = () => random.uniform(-20, 20);
  const balance: [number, number, number] = random.chance(0.3)
    ? [shift(), shift(), shift()]
    : [0, 0, 0];
  const brightness = 25.5 * random.uniform(-1, 1);
  changeColour(data, {
    contrast: 1 + random.uniform(-0.1, 0.1),
    saturation: 1 + random.uniform(-0.15, 0.15),
    shift: [balance[0] + brightness, balance[1] + brightness, balance[2] + brightness],
  });
  const changed = { ...image, data };
  if (random.chance(0.5)) return sharpen(changed, random.uniform(0.2, 0.5), random.uniform(0.5, 1));
  // The paper's 2 or 4 are meant for faces of about 256 pixels.
  const most = Math.min(4, Math.max(2, Math.min(image.width, image.height) / 64));
  return coarsen(changed, random.uniform(1.5, most));
}

/** Moved by up to 3 % across and 1.5 % along, scaled by 0.95 to 1/0.95 about the centre. */
function move(image: RgbImage, random: Random): RgbImage {
  const { width, height } = image;
  const scale = 0.95 ** random.uniform(-1, 1);
  const across = random.uniform(-0.03, 0.03) * width;
  const along = random.uniform(-0.015, 0.015) * height;
  return resize(image, width, height, [
    (width - width * scale) / 2 + across,
    (height - height * scale) / 2 + along,
    width * scale,
    height * scale,
  ]);
}

/**
 * Blends a face with a changed and moved copy of itself: either the copy or the background is
 * changed in colour and sharpness, the copy is moved a little, and laid over by a soft mask times a
 * ratio of 0.25 to 1.
 * @throws LlsmError for a crop below 32 pixels.
 */
export const selfBlend: Forge = (face, random) => {
  const { width, height } = face;
  const changeSource = random.chance(0.5);
  const changed = change(face, random);
  const source = move(changeSource ? changed : face, random);
  const real = changeSource ? face : changed;
  const soft = drawMask(width, height, random);
  const ratio = random.pick([0.25, 0.5, 0.75, 1, 1, 1]);
  const data = new Uint8ClampedArray(face.data.length);
  for (let i = 0; i < soft.length; i++) {
    const weight = soft[i] * ratio;
    for (let c = i * 3; c < i * 3 + 3; c++) {
      data[c] = real.data[c] + weight * (source.data[c] - real.data[c]);
    }
  }
  const mask = new Uint8ClampedArray(soft.length);
  for (let i = 0; i < soft.length; i++) mask[i] = soft[i] * 255;
  return { image: { width, height, data }, mask: { width, height, data: mask }, real };
};
