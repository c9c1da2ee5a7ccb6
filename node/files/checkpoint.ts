/** Checkpoints and configs as files (Node only). */
import { readFileSync } from 'node:fs';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import type { Config } from '../../src/config/config.ts';
import {
  type Checkpoint,
  checkpointFromSafetensors,
  checkpointToSafetensors,
} from '../../src/model/llsm/checkpoint.ts';
import { parseSafetensors, type SafetensorsFile } from '../../src/model/safetensors.ts';
import { writeFileWhole } from '../system/write-file.ts';

/**
 * @param given the config of a file that carries none
 * @throws LlsmError naming the file, and the tensor or field
 */
export function readCheckpoint(path: string, given?: Config): Checkpoint {
  return checkpointFromSafetensors(readSafetensors(path), path, given);
}

/** Reads any safetensors file. @throws LlsmError naming the file */
export function readSafetensors(path: string): SafetensorsFile {
  let file: Uint8Array;
  try {
    file = readFileSync(path);
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
  return parseSafetensors(file, path);
}

/** Writes a checkpoint, whole or not at all. @throws LlsmError naming the file */
export function writeCheckpoint(
  path: string,
  checkpoint: Checkpoint,
  options: { f16?: boolean } = {},
): void {
  writeFileWhole(path, checkpointToSafetensors(checkpoint, options));
}
