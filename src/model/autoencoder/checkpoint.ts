/** An autoencoder's weights as a file: safetensors with its config in the metadata. */
import { LlsmError, messageOf } from '../../base/errors.ts';
import { problemsOf } from '../../base/problems.ts';
import { Random } from '../../base/random.ts';
import { version } from '../../base/version.ts';
import { type HostTensor, parseSafetensors, serialiseSafetensors } from '../safetensors.ts';
import { type AutoencoderConfig, autoencoderParams, autoencoderSchema } from './network.ts';

export interface AutoencoderCheckpoint {
  config: AutoencoderConfig;
  /** Tensors of `autoencoderParams(config)`, in its order. */
  tensors: Map<string, HostTensor>;
}

/** An autoencoder before training. */
export function initAutoencoder(config: AutoencoderConfig, seed: number): AutoencoderCheckpoint {
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape, begin } of autoencoderParams(config)) {
    const data = new Float32Array(shape.reduce((n, d) => n * d, 1));
    const random = new Random(seed, `init autoencoder ${name}`);
    for (let i = 0; i < data.length; i++) {
      data[i] = 'value' in begin ? begin.value : begin.normal * random.normal();
    }
    tensors.set(name, { shape, data });
  }
  return { config, tensors };
}

const key = 'llsm.autoencoder';

/** The parts of its file, in order. */
export const serialiseAutoencoder = ({ config, tensors }: AutoencoderCheckpoint): Uint8Array[] =>
  serialiseSafetensors(
    tensors,
    { [key]: JSON.stringify(config), 'llsm.version': version },
    () => false,
  );

/**
 * Reads the bytes of an autoencoder's file.
 * @throws LlsmError naming the file, where it holds none, or a tensor is missing or misshapen
 */
export function parseAutoencoder(file: Uint8Array, where: string): AutoencoderCheckpoint {
  const { tensors, metadata } = parseSafetensors(file, where);
  const text = metadata[key];
  if (text === undefined) {
    throw new LlsmError(`${where} is no autoencoder (\`llsm autoencoder train\` makes one)`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LlsmError(`${where}: ${key} is not JSON (${messageOf(error)})`);
  }
  const parsed = autoencoderSchema.safeParse(value);
  if (!parsed.success) throw new LlsmError(`${where}: ${key}: ${problemsOf(parsed.error)}`);
  const taken = new Map<string, HostTensor>();
  for (const { name, shape } of autoencoderParams(parsed.data)) {
    const found = tensors.get(name);
    if (found?.shape.join() !== shape.join()) {
      throw new LlsmError(
        `${where}: the autoencoder needs tensor ${name} [${shape.join(', ')}], which ` +
          (found ? `is [${found.shape.join(', ')}]` : 'is missing'),
      );
    }
    if (!found.data.every(Number.isFinite)) {
      throw new LlsmError(`${where}: ${name} holds values that are not finite`);
    }
    taken.set(name, found);
  }
  return { config: parsed.data, tensors: taken };
}
