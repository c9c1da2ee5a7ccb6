/** A thread of CropPool: loads the faces it is asked for, and gives their pixels away. */
import { parentPort, workerData } from 'node:worker_threads';
import { LlsmError } from '../errors.ts';
import type { CropRequest, CropSettings } from './crop-pool.ts';
import { CropLoader } from './crops.ts';
import { readBytes } from './image-node.ts';

const port = parentPort;
if (!port) throw new TypeError('crop.worker.js runs as a thread of CropPool only');

const { items, ...settings } = workerData as CropSettings;
const loader = new CropLoader(items, { ...settings, read: readBytes });

port.on('message', async ({ id, index, step }: CropRequest) => {
  try {
    const crop = await loader.load(index, step);
    const given = crop.mask ? [crop.image.buffer, crop.mask.buffer] : [crop.image.buffer];
    port.postMessage({ id, crop }, given as ArrayBuffer[]);
  } catch (error) {
    // An error's class is lost on the way, and with it whether it was to be expected.
    const { message, stack } = error instanceof Error ? error : new Error(String(error));
    port.postMessage({ id, error: { expected: error instanceof LlsmError, message, stack } });
  }
});
