import { LlsmError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Gpu } from '../../gpu/device.ts';
import { ParamStore } from '../../graph/store.ts';
import { openSafetensors } from '../safetensors-blob.ts';
import {
  type Checkpoint,
  checkpointHead,
  refuseUnfit,
  unfitShapes,
  unfitValues,
} from './checkpoint.ts';
import { listParams } from './params.ts';

/**
 * Bytes that the driver may hold for the GPU at a time. To wait for it after each tensor would take long:
 * Firefox looks ten times a second whether it is done.
 */
const mostQueued = 16 * 2 ** 20;

/** A checkpoint whose weights are still in its file. */
export interface OpenCheckpoint extends Omit<Checkpoint, 'tensors'> {
  /**
   * Puts the weights on the GPU, one tensor after the other: in main memory there is never more than one
   * of them, and what the driver has not yet taken, 16 MiB and a tensor at most.
   * @param onTensor told how many of the file's tensors are done, after each
   * @throws LlsmError naming the file, and a tensor whose values cannot be a network's; and where the GPU
   *   has no room
   */
  upload(gpu: Gpu, onTensor?: (done: number, all: number) => void): Promise<ParamStore>;
}

/**
 * Opens a checkpoint's file: its config, threshold and the tensors' shapes are checked, the weights are
 * not read yet.
 * @param where the file's name, for messages
 * @param given the config of a file that carries none
 * @throws LlsmError as `parseCheckpoint`
 */
export async function openCheckpoint(
  file: Blob,
  where: string,
  given?: Config,
): Promise<OpenCheckpoint> {
  const { metadata, shapes, tensors } = await openSafetensors(file, where);
  const head = checkpointHead(metadata, where, given);
  const specs = listParams(head.config);
  refuseUnfit(unfitShapes(shapes, specs), where);
  return {
    ...head,
    async upload(gpu, onTensor = () => {}) {
      const store = new ParamStore(gpu, specs);
      let done = 0;
      let queued = 0;
      try {
        for await (const [name, { data }] of tensors()) {
          const reason = unfitValues(name, data);
          if (reason) throw new LlsmError(`${where}: tensor ${name} ${reason}`);
          store.write(name, data);
          queued += data.byteLength;
          if (queued > mostQueued) {
            gpu.device.queue.submit([]); // what is written waits for a submit
            await gpu.wait(gpu.device.queue.onSubmittedWorkDone());
            queued = 0;
          }
          onTensor(++done, shapes.size);
        }
        await store.ready();
      } catch (error) {
        store.destroy();
        throw error;
      }
      return store;
    },
  };
}
