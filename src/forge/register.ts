/** Brings features onto each other where there are no landmarks to do it by. */
import { gaussianBlur } from '../image/blur.ts';
import { resample } from '../image/resample.ts';
import { toYcc } from './blend.ts';
import { apply, type Point, type Similarity, type Subject } from './face.ts';

/** Cells that the region is compared in, across and along; how many it may be shifted by. */
const cells = 32;
const reach = 3;

/** Fine structure of Y of a box about a centre, in `size` x `size` cells. */
function structure({ image }: Subject, [x, y]: Point, [halfX, halfY]: Point, size: number) {
  const values = new Float32Array(size * size * 3);
  resample(image, 3, [x - halfX, y - halfY, 2 * halfX, 2 * halfY], size, size, values);
  toYcc(values);
  const detail = Float32Array.from({ length: size * size }, (_, i) => values[i * 3]);
  const smooth = detail.slice();
  gaussianBlur(smooth, size, size, 1, 4);
  for (let i = 0; i < detail.length; i++) detail[i] -= smooth[i];
  return detail;
}

/**
 * The alignment shifted, by up to a tenth of the region's size, to where the structure of the
 * region correlates best.
 * @param half half sizes of the region of `face`, in pixels
 */
export function register(
  face: Subject,
  donor: Subject,
  toDonor: Similarity,
  centre: Point,
  half: Point,
): Similarity {
  const scale = Math.hypot(toDonor.a, toDonor.b);
  const wider = (cells + 2 * reach) / cells;
  const there: Point = [half[0] * scale * wider, half[1] * scale * wider];
  const size = cells + 2 * reach;
  const wanted = structure(face, centre, half, cells);
  const offered = structure(donor, apply(toDonor, centre), there, size);
  let best = { value: Number.NEGATIVE_INFINITY, dx: 0, dy: 0 };
  for (let dy = -reach; dy <= reach; dy++) {
    for (let dx = -reach; dx <= reach; dx++) {
      let [product, square] = [0, 1];
      for (let y = 0; y < cells; y++) {
        const row = (y + reach + dy) * size + reach + dx;
        for (let x = 0; x < cells; x++) {
          product += wanted[y * cells + x] * offered[row + x];
          square += offered[row + x] ** 2;
        }
      }
      const value = product / Math.sqrt(square);
      if (value > best.value) best = { value, dx, dy };
    }
  }
  const cell: Point = [(2 * half[0] * scale) / cells, (2 * half[1] * scale) / cells];
  return {
    ...toDonor,
    x0: toDonor.x0 + best.dx * cell[0],
    y0: toDonor.y0 + best.dy * cell[1],
  };
}
