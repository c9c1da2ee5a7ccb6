/**
 * What Node adds to the library: Dawn as the GPU, and files.
 * @module llsm/node
 */

export { readCheckpoint, readSafetensors, writeCheckpoint } from './files/checkpoint.ts';
export { drawPng } from './files/drawing.ts';
export { encodePng, readImage } from './files/image.ts';
export { defaultWeights } from './files/weights.ts';
export { openNodeGpu } from './gpu/open.ts';
export { openTunedGpu } from './gpu/tuned.ts';
export { Died, Examination, type ExaminationOptions } from './scan/examination.ts';
export type { HashKind, ScanIdentity, ScanLine, ScanTask } from './scan/line.ts';
export { TryAgain } from './scan/read.ts';
export { identityOf, type ScanSettings } from './scan/settings.ts';
export { ScanWorker, type ScanWorkerOptions } from './scan/worker.ts';
