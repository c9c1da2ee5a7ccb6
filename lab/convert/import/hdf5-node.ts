/** HDF5 files, read in a thread that can be given up (Node only). */
import { Worker } from 'node:worker_threads';
import { threadFile } from '../../../node/system/threads.ts';
import { LlsmError, messageOf } from '../../../src/base/errors.ts';
import type { HostTensor } from '../../../src/model/safetensors.ts';

/** What the thread answers: one of the two. */
export interface Hdf5Answer {
  tensors?: Map<string, HostTensor>;
  problem?: string;
}

const SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];

export const isHdf5 = (file: Uint8Array): boolean => SIGNATURE.every((byte, i) => file[i] === byte);

/**
 * The tensors of 32 and 64 bit floats in an HDF5 file by their path, such as `conv/conv/kernel:0`;
 * what is under `optimizer_weights` is left out.
 *
 * @param where the file's name, for messages
 * @param patience seconds after which a file counts as damaged; 90 MB take two
 * @throws LlsmError naming the file where it is damaged or holds more than a network could
 */
export async function readHdf5(
  file: Uint8Array,
  where: string,
  { patience = 120 }: { patience?: number } = {},
): Promise<Map<string, HostTensor>> {
  const path = threadFile('lab/convert/import/hdf5.worker');
  // What the library says of its own accord on standard error is not for the user.
  const worker = new Worker(path, { workerData: file, stdout: true, stderr: true });
  const answer = await new Promise<Hdf5Answer>((resolve) => {
    const timer = setTimeout(() => {
      resolve({ problem: `it could not be read within ${patience} seconds` });
    }, patience * 1000);
    worker.on('message', resolve);
    worker.on('error', (error) => resolve({ problem: messageOf(error) }));
    worker.on('exit', (code) => {
      clearTimeout(timer);
      resolve({ problem: `its reader ended with status ${code}` });
    });
  });
  await worker.terminate();
  if (!answer.tensors) {
    throw new LlsmError(`${where}: a damaged HDF5 file, or cut short (${answer.problem})`);
  }
  return answer.tensors;
}
