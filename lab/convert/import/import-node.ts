/** Files of weights of other programs (Node only). */
import { readFileSync } from 'node:fs';
import { LlsmError, messageOf } from '../../../src/base/errors.ts';
import { type HostTensor, parseSafetensors } from '../../../src/model/safetensors.ts';
import { type Imported, type ImportOptions, importEncoder } from './encoder.ts';
import { isHdf5, readHdf5 } from './hdf5-node.ts';
import { isTorchFile, readTorchFile } from './torch-file.ts';

/** @throws LlsmError naming the file, as `readWeights` and `importEncoder` do */
export async function importFile(path: string, options: ImportOptions): Promise<Imported> {
  let file: Uint8Array;
  try {
    file = readFileSync(path);
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
  return importEncoder(await readWeights(file, path), path, options);
}

/**
 * The tensors in a file of any known format, which is told by its first bytes: PyTorch's two, HDF5,
 * safetensors.
 *
 * @param where the file's name, for messages
 * @throws LlsmError naming the file where it is of none of them, damaged, or holds more than data
 */
export async function readWeights(
  file: Uint8Array,
  where: string,
): Promise<Map<string, HostTensor>> {
  if (isTorchFile(file)) return readTorchFile(file, where);
  if (isHdf5(file)) return readHdf5(file, where);
  return parseSafetensors(file, where).tensors;
}
