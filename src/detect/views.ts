/** A face seen in several ways: a verdict that hangs on how a picture was saved is none. */
import { mirror } from '../faces/augment.ts';
import { loseToJpeg } from '../image/jpeg-loss.ts';
import { resize } from '../image/resample.ts';
import type { RgbImage } from '../image/rgb.ts';

/** Ways to see a face, in the order of a finding; the face as it is comes first. */
export const viewNames = [
  'as it is',
  'mirrored',
  'JPEG 75',
  'resized to 0.75',
  'resized to 0.5',
] as const;
export type ViewName = (typeof viewNames)[number];

/** The views that `--views` asks for: all, or the face as it is alone. */
export const viewsFor = (which: 'all' | 'one'): readonly ViewName[] =>
  which === 'one' ? viewNames.slice(0, 1) : viewNames;

const copied = (image: RgbImage): RgbImage => ({ ...image, data: image.data.slice() });

/** A picture made smaller by a factor. */
function smaller(image: RgbImage, factor: number): RgbImage {
  const [width, height] = [image.width, image.height].map((n) =>
    Math.max(1, Math.round(n * factor)),
  );
  return resize(image, width, height);
}

/**
 * A face crop in each view, at the network's size. Compression and resizing are those of a copy of
 * the face at the network's size, or at its own where that is smaller: of a large photograph that was
 * made smaller, the network would see nothing.
 * @param crop the face crop, of any size and shape
 * @param size side of the network's input
 * @returns one picture [size, size] a name, in the order of `names`
 */
export function viewsOf(
  crop: RgbImage,
  size: number,
  names: readonly ViewName[] = viewNames,
): RgbImage[] {
  const asItIs = resize(crop, size, size);
  const seen =
    crop.width >= size && crop.height >= size
      ? asItIs
      : resize(crop, Math.min(crop.width, size), Math.min(crop.height, size));
  const back = (image: RgbImage) => resize(image, size, size);
  const make: Record<ViewName, () => RgbImage> = {
    'as it is': () => asItIs,
    mirrored: () => {
      const image = copied(asItIs);
      mirror(image.data, size, size, 3);
      return image;
    },
    'JPEG 75': () => {
      const image = copied(seen);
      loseToJpeg(image, 75);
      return back(image);
    },
    'resized to 0.75': () => back(smaller(seen, 0.75)),
    'resized to 0.5': () => back(smaller(seen, 0.5)),
  };
  return names.map((name) => make[name]());
}
