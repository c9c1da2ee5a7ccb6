/** What happens to a picture after it was made: the same for real faces and forgeries. */
import type { Random } from '../base/random.ts';
import { throughJpeg } from '../image/codecs.ts';
import { addNoise, gaussianBlur } from '../image/pixels.ts';
import type { RgbImage } from '../image/rgb.ts';

/**
 * Mild blur, noise and one JPEG trip (quality 60 to 100), each drawn. How many numbers are drawn
 * does not depend on the picture, so a pair given equal streams is treated alike.
 */
export async function finish(image: RgbImage, random: Random): Promise<RgbImage> {
  const { width, height } = image;
  const data = image.data.slice();
  if (random.chance(0.3)) gaussianBlur(data, width, height, 3, random.uniform(0.3, 0.9));
  const quality = random.chance(0.7) ? 60 + random.int(41) : null;
  if (random.chance(0.3)) addNoise(data, random.uniform(1, 4), random);
  const finished = { width, height, data };
  return quality === null ? finished : throughJpeg(finished, quality);
}
