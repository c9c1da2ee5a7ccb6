import { Random } from '../../src/base/random.ts';

/**
 * A batch that no face is in: noise from -1 to 1, every other one forged, altered in the left third.
 * Equal numbers at each call.
 */
export function noiseBatch(items: number, size: number) {
  const random = new Random(5, 'faces');
  return {
    image: Float32Array.from({ length: items * size * size * 3 }, () => random.uniform(-1, 1)),
    label: Float32Array.from({ length: items }, (_, i) => i % 2),
    mask: Float32Array.from({ length: items * size * size }, (_, i) => Number(i % size < size / 3)),
  };
}
