/** A thread of CropPool: loads the faces it is asked for, and gives their pixels away. */

import { type Crop, CropLoader } from '../../src/faces/crops.ts';
import { readBytes } from '../files/image.ts';
import { serve } from '../system/threads.ts';
import type { CropRequest, CropSettings } from './crop-pool.ts';

serve(
  ({ items, ...settings }: CropSettings) => {
    const loader = new CropLoader(items, { ...settings, read: readBytes });
    return ({ index, step }: CropRequest): Promise<Crop> => loader.load(index, step);
  },
  ({ image, mask }) => (mask ? [image, mask] : [image]).map(({ buffer }) => buffer as ArrayBuffer),
);
