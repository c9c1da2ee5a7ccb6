/** A thread of CropPool: loads the faces it is asked for, and gives their pixels away. */

import type { Crop } from '../../src/faces/crops.ts';
import { serve } from '../system/threads.ts';
import { type CropRequest, type CropSettings, loaderOf } from './crop-pool.ts';

serve(
  (settings: CropSettings) => {
    const loader = loaderOf(settings);
    return ({ index, step }: CropRequest): Promise<Crop | Crop[]> => loader.load(index, step);
  },
  (loaded) =>
    [loaded]
      .flat()
      .flatMap(({ image, mask }) => (mask ? [image, mask] : [image]))
      .map(({ buffer }) => buffer as ArrayBuffer),
);
