import { version } from '../../base/version.ts';
import type { Config } from '../../config/config.ts';
import type { Gpu } from '../../gpu/device.ts';
import { ParamStore } from '../../graph/store.ts';
import type { Checkpoint, HostTensor } from './checkpoint.ts';
import { listParams } from './params.ts';

/** Puts a checkpoint's tensors on the GPU. */
export function uploadCheckpoint(gpu: Gpu, checkpoint: Checkpoint): ParamStore {
  const store = new ParamStore(gpu, listParams(checkpoint.config));
  for (const [name, { data }] of checkpoint.tensors) store.write(name, data);
  return store;
}

/** Reads weights and running statistics back, as a checkpoint of that config. */
export async function downloadCheckpoint(store: ParamStore, config: Config): Promise<Checkpoint> {
  const values = new Map([...(await store.readAll('weights')), ...(await store.readAll('state'))]);
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape } of listParams(config)) {
    tensors.set(name, { shape, data: values.get(name) as Float32Array });
  }
  return { config, tensors, version };
}
