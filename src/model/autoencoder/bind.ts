import type { Gpu } from '../../gpu/device.ts';
import { ParamStore } from '../../graph/store.ts';
import type { AutoencoderCheckpoint } from './checkpoint.ts';
import { autoencoderParams } from './network.ts';

/** Puts an autoencoder's tensors on the GPU. */
export function uploadAutoencoder(
  gpu: Gpu,
  { config, tensors }: AutoencoderCheckpoint,
): ParamStore {
  const store = new ParamStore(gpu, autoencoderParams(config));
  for (const [name, { data }] of tensors) store.write(name, data);
  return store;
}
