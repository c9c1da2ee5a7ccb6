/** Forgeries from what an autoencoder makes of the same face. */
import type { Random } from '../base/random.ts';
import type { ForgeRegion, Forging } from '../config/forge-schema.ts';
import type { RgbImage } from '../image/rgb.ts';
import { layOver, matchColour } from './blend.ts';
import type { Subject } from './face.ts';
import { drawRegion, greyMask } from './mask.ts';
import { cutPlane, planeOfWhole, scaled, sharpen } from './plane.ts';
import { inScratch, roomFor } from './scratch.ts';
import { drawShare, type Forgery } from './self-blend.ts';
import { generated } from './traces.ts';

/**
 * Blends in an autoencoder's reconstruction of the face: a generator's own resolution and smoothness,
 * where `generator` imitates them. Up-sampling traces are added as `traces` says, for most generators'
 * last layers leave more of them than this one's.
 * @param reconstruction of the whole crop, of any size
 * @throws LlsmError for a crop below 32 pixels, and where landmarks make no face
 */
export function reconstruct(
  face: Subject,
  reconstruction: RgbImage,
  random: Random,
  forging: Forging,
): Forgery {
  return inScratch(roomFor(face.image) + 8 * reconstruction.data.length, () =>
    reconstructed(face, reconstruction, random, forging),
  );
}

function reconstructed(
  face: Subject,
  reconstruction: RgbImage,
  random: Random,
  forging: Forging,
): Forgery {
  const { image } = face;
  const { width, height } = image;
  const region: ForgeRegion = drawShare(forging.regions.reconstruct, random);
  const mask = drawRegion(face, region, 'careful', random);
  const back = random.chance(0.5) ? 'linear' : 'cubic';
  const whole = planeOfWhole(reconstruction);
  const source = cutPlane(scaled(whole, width, height, back), mask.box);
  const traced = random.chance(forging.traces);
  const { plane, cue } = traced
    ? generated(source, Math.max(width, height), random)
    : { plane: source, cue: 'reconstructed' };
  if (random.chance(0.3)) sharpen(plane, 1.2, random.uniform(0.3, 1));
  matchColour(plane, image, mask, random.uniform(...forging.transfer));
  const made = { region, ratio: 1, cue };
  return { image: layOver(image, plane, mask), mask: greyMask(mask, image), real: image, made };
}
