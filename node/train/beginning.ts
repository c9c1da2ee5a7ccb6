/** The weights of a file that a new run begins with (Node only). */
import { LlsmError } from '../../src/base/errors.ts';
import type { Config } from '../../src/config/config.ts';
import {
  type Checkpoint,
  carriedConfig,
  fitInto,
  listUnfit,
} from '../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { listParams } from '../../src/model/llsm/params.ts';
import type { SafetensorsFile } from '../../src/model/safetensors.ts';
import { readSafetensors } from '../files/checkpoint.ts';

/**
 * Of the file what fits, and the rest drawn from the config's seed.
 * @param init a safetensors file
 * @param say receives what was taken of it and what was not
 * @throws LlsmError where nothing fits, or the file's weights belong to another epsilon or padding
 */
export function beginning(config: Config, init: string, say: (line: string) => void): Checkpoint {
  const file = widened(readSafetensors(init), config);
  refuseOtherGeometry(carriedConfig(file.metadata, init), config, init);
  const { fitting, unfit } = fitInto(file, listParams(config));
  if (fitting.size === 0) throw new LlsmError(`${init} holds nothing that fits this network`);
  say(`${init}: ${fitting.size} tensors taken`);
  if (unfit.length) say(`Not taken, or not there (these begin anew):\n${listUnfit(unfit)}`);
  const fresh = initParams(config, config.train.seed);
  return { ...fresh, tensors: new Map([...fresh.tensors, ...fitting]) };
}

/** A network that saw RGB alone, made to see residuals beside it: at first it gives them no weight. */
function widened(file: SafetensorsFile, config: Config): SafetensorsFile {
  const name = 'encoder.conv1.weight';
  const known = file.tensors.get(name);
  if (!config.residual || known?.shape[1] !== 3) return file;
  const [out, , height, width] = known.shape;
  const data = new Float32Array(2 * known.data.length);
  const each = known.data.length / out;
  for (let n = 0; n < out; n++) {
    data.set(known.data.subarray(n * each, (n + 1) * each), 2 * n * each);
  }
  const tensors = new Map(file.tensors).set(name, { shape: [out, 6, height, width], data });
  return { ...file, tensors };
}

/** Weights that came with another epsilon or padding would fit, and give other maps. */
function refuseOtherGeometry(carried: Config | undefined, config: Config, init: string): void {
  const differing = (['bnEps', 'poolPad'] as const).filter(
    (key) => carried !== undefined && carried[key] !== config[key],
  );
  if (differing.length === 0) return;
  const settings = differing.map((key) => `--set ${key}=${carried?.[key]}`);
  throw new LlsmError(
    `${init} has weights of a network with another ${differing.join(' and ')} than this config: ` +
      `train with ${settings.join(' ')}`,
  );
}
