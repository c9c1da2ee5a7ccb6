import { Random } from '../../base/random.ts';
import { version } from '../../base/version.ts';
import type { Config } from '../../config/config.ts';
import type { Checkpoint, HostTensor } from './checkpoint.ts';
import { listParams, sizeOf } from './params.ts';

/**
 * A network before training. Each tensor is drawn from its own stream, so that equal seeds give
 * equal tensors whatever else the config holds.
 */
export function initParams(config: Config, seed: number): Checkpoint {
  const tensors = new Map<string, HostTensor>();
  for (const { name, shape, init } of listParams(config)) {
    const data = new Float32Array(sizeOf(shape));
    const random = new Random(seed, `init ${name}`);
    if (init.kind === 'constant') data.fill(init.value);
    else if (init.kind === 'normal') {
      for (let i = 0; i < data.length; i++) data[i] = init.std * random.normal();
    } else {
      for (let i = 0; i < data.length; i++) data[i] = random.uniform(-init.bound, init.bound);
    }
    tensors.set(name, { shape, data });
  }
  return { config, tensors, version };
}
