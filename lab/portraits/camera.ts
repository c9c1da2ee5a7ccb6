/** From linear light to the picture that a camera writes: lens, sensor, and its processing. */
import type { Random } from '../../src/base/random.ts';
import { gaussianBlur } from '../../src/image/blur.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import type { Canvas } from './canvas.ts';
import type { Camera } from './shot.ts';

/** sRGB's curve with a soft shoulder above 0.75, from linear light in steps of 1/2048 up to 2. */
const curve = (() => {
  const encode = (x: number) => (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);
  return Float32Array.from({ length: 4097 }, (_, k) => {
    const x = k / 2048;
    return 255 * encode(x < 0.6 ? x : 0.6 + 0.4 * (1 - Math.exp((0.6 - x) / 0.4)));
  });
})();

/** Reads a square canvas of a multiple of `size` pixels a side through the camera. */
export function expose(canvas: Canvas, camera: Camera, size: number, random: Random): RgbImage {
  const factor = canvas.side / size;
  const light = new Float32Array(size * size * 3);
  const share = (camera.exposure * metered(canvas)) / (factor * factor);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const to = (y * size + x) * 3;
      const d = Math.hypot((x + 0.5) / size - 0.5, (y + 0.5) / size - 0.5);
      const falloff = share * (1 - camera.vignette * 1.6 * d * d);
      for (let j = 0; j < factor; j++) {
        let from = ((y * factor + j) * canvas.side + x * factor) * 4;
        for (let i = 0; i < factor; i++, from += 4) {
          for (let c = 0; c < 3; c++) light[to + c] += canvas.data[from + c];
        }
      }
      for (let c = 0; c < 3; c++) light[to + c] *= falloff * camera.balance[c];
    }
  }
  if (camera.blur > 0.2) gaussianBlur(light, size, size, 3, camera.blur);
  const data = develop(light, camera, size, random);
  return { width: size, height: size, data: new Uint8ClampedArray(data) };
}

/** What the camera's meter makes of the middle of the picture: part of the way to one brightness. */
function metered(canvas: Canvas): number {
  const { side, data } = canvas;
  let sum = 0;
  let count = 0;
  for (let y = Math.floor(side * 0.35); y < side * 0.75; y += 4) {
    for (let x = Math.floor(side * 0.35); x < side * 0.65; x += 4, count++) {
      const at = (y * side + x) * 4;
      sum += 0.2126 * data[at] + 0.7152 * data[at + 1] + 0.0722 * data[at + 2];
    }
  }
  return (0.37 / (sum / count + 0.02)) ** 0.45;
}

function develop(light: Float32Array, camera: Camera, size: number, random: Random): Float32Array {
  const data = new Float32Array(light.length);
  const noise = sensorNoise(camera, size, random);
  const values = [0, 0, 0];
  for (let at = 0; at < data.length; at += 3) {
    for (let c = 0; c < 3; c++) {
      const level = curve[Math.min(4096, Math.max(0, Math.round(light[at + c] * 2048)))];
      values[c] = 127.5 + (level - 115) * camera.contrast - 12.5;
    }
    const grey = 0.299 * values[0] + 0.587 * values[1] + 0.114 * values[2];
    // Shot noise grows with the root of the light; the curve evens most of it out again.
    const amount = camera.readNoise + camera.shotNoise * Math.sqrt(Math.max(0, grey) / 255) * 0.6;
    for (let c = 0; c < 3; c++) {
      data[at + c] = grey + (values[c] - grey) * camera.saturation + amount * noise[at + c];
    }
  }
  if (camera.sharpen > 0) {
    const soft = data.slice();
    gaussianBlur(soft, size, size, 3, 0.8);
    for (let i = 0; i < data.length; i++) data[i] += camera.sharpen * (data[i] - soft[i]);
  }
  return data;
}

/** Noise of unit deviation, part of it common to the colours, smoothed as the camera does. */
function sensorNoise(camera: Camera, size: number, random: Random): Float32Array {
  const noise = new Float32Array(size * size * 3);
  const own = camera.noiseColour;
  const common = Math.sqrt(1 - own * own);
  // Four uniform bytes added are near enough to a normal deviate, and cheap.
  const deviate = () => {
    const bits = random.bits();
    return (
      ((bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24) - 510) / 147.8
    );
  };
  for (let at = 0; at < noise.length; at += 3) {
    const grey = common * deviate();
    for (let c = 0; c < 3; c++) noise[at + c] = grey + own * deviate();
  }
  if (camera.noiseGrain > 0.5) {
    const sigma = 0.35 + 0.5 * (camera.noiseGrain - 0.5);
    gaussianBlur(noise, size, size, 3, sigma);
    let sum = 0;
    for (const value of noise) sum += value * value;
    const scale = 0.8 / Math.sqrt(sum / noise.length);
    for (let i = 0; i < noise.length; i++) noise[i] *= scale;
  }
  return noise;
}
