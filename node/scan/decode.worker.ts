/** A thread that decodes pictures, so that a large one does not hold up the GPU's. */
import { decodeImage } from '../../src/image/codecs.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import '../files/image.ts'; // says where the codecs are
import { serve } from '../system/threads.ts';
import { hashOfPixels, printOf } from './print.ts';

/** What a thread is asked. */
export interface DecodeRequest {
  bytes: Uint8Array;
  /** The file's name, for messages. */
  name: string;
}

/** A picture, and the hashes by which the same picture and its copies are found. */
export interface Decoded {
  image: RgbImage;
  pixels: string;
  print: string;
}

serve(
  () =>
    async ({ bytes, name }: DecodeRequest): Promise<Decoded> => {
      const image = await decodeImage(bytes, name);
      return { image, pixels: hashOfPixels(image), print: printOf(image) };
    },
  ({ image }) => [image.data.buffer as ArrayBuffer],
);
