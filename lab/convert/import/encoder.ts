/** A checkpoint whose encoder comes from someone else's file of Xception weights. */
import { LlsmError } from '../../../src/base/errors.ts';
import type { Config } from '../../../src/config/config.ts';
import {
  type Checkpoint,
  fitInto,
  listUnfit,
  type Unfit,
} from '../../../src/model/llsm/checkpoint.ts';
import { initParams } from '../../../src/model/llsm/init.ts';
import { listParams, type ParamSpec } from '../../../src/model/llsm/params.ts';
import { type HostTensor, isBatchCount } from '../../../src/model/safetensors.ts';
import { fromKeras, type Renamed } from './keras-names.ts';

interface Source {
  /** How its network normalises and pools; the weights are right with nothing else. */
  geometry: Pick<Config, 'bnEps' | 'poolPad'>;
  rename(
    tensors: ReadonlyMap<string, HostTensor>,
    specs: readonly ParamSpec[],
    where: string,
  ): Map<string, Renamed>;
}

const torch = { bnEps: 1e-5, poolPad: 'torch' } as const;

/** Whose files can be read, and how each differs from ours. */
export const SOURCES = {
  timm: { geometry: torch, rename: behind(/^(module\.)?/) },
  cadene: { geometry: torch, rename: behind(/^(module\.)?/) },
  keras: { geometry: { bnEps: 1e-3, poolPad: 'tf' }, rename: fromKeras },
  deepfakebench: { geometry: torch, rename: behind(/^(module\.)?backbone\./) },
} satisfies Record<string, Source>;

export type SourceName = keyof typeof SOURCES;

export interface ImportOptions {
  from: SourceName;
  /** Its bnEps and poolPad give way to the source's. */
  config: Config;
  /** Of everything that the file does not hold. */
  seed: number;
  /** Go on where the file lacks tensors of the encoder. */
  partial?: boolean;
}

export interface Imported {
  checkpoint: Checkpoint;
  /** What came from the file: our name and the source's. */
  taken: { name: string; source: string }[];
  /** What is in the file and was not used, by the source's name. */
  unused: Unfit[];
  /** Tensors of the encoder that the file lacks, or has in another shape; they begin anew. */
  missing: Unfit[];
  /** Names of the tensors outside of the encoder, which begin anew. */
  fresh: string[];
}

const OURS = 'encoder.';

/**
 * The tensors of a file as the encoder of a new checkpoint; everything else is drawn as
 * `llsm init` draws it.
 *
 * @param tensors what the file holds, by its own names
 * @param where the file's name, for messages
 * @throws LlsmError where nothing fits, where the encoder is not complete (unless `partial`), or
 *   where a tensor is there twice
 */
export function importEncoder(
  tensors: ReadonlyMap<string, HostTensor>,
  where: string,
  { from, config: given, seed, partial = false }: ImportOptions,
): Imported {
  const config = { ...given, ...SOURCES[from].geometry };
  const all = listParams(config);
  const specs = all.filter(({ name }) => name.startsWith(OURS));
  const renamed = SOURCES[from].rename(tensors, specs, where);
  if (renamed.size === 0) throw nothingFits(tensors, specs, where, from);
  const ours = new Map([...renamed].map(([name, { tensor }]) => [name, tensor]));
  const { fitting, unfit: missing } = fitInto({ tensors: ours }, specs);
  if (fitting.size === 0 || (missing.length > 0 && !partial)) {
    throw new LlsmError(
      `${where}: the encoder is not whole in it (${fitting.size} of ${specs.length} tensors fit):\n` +
        `${listUnfit(missing)}\n` +
        (wrongWidth(renamed, specs) && config.width !== 1
          ? `The config has width ${config.width}; pretrained weights need width 1`
          : 'With --partial these begin anew'),
    );
  }
  const taken = [...fitting.keys()].map((name) => ({
    name,
    source: (renamed.get(name) as Renamed).source,
  }));
  const used = new Set(taken.map(({ source }) => source));
  const misfits = new Map(
    missing.map(({ name, reason }) => [renamed.get(name)?.source, reason] as const),
  );
  const unused = [...tensors.keys()]
    .filter((name) => !used.has(name) && !isBatchCount(name))
    .map((name) => ({ name, reason: misfits.get(name) ?? 'not in the encoder' }));
  const fresh = initParams(config, seed);
  return {
    checkpoint: { ...fresh, tensors: new Map([...fresh.tensors, ...fitting]) },
    taken,
    unused,
    missing,
    fresh: all.filter(({ name }) => !name.startsWith(OURS)).map(({ name }) => name),
  };
}

/** PyTorch's names, which ours are, behind a prefix. */
function behind(prefix: RegExp): Source['rename'] {
  return (tensors, specs, where) => {
    const wanted = new Set(specs.map(({ name }) => name));
    const found = new Map<string, Renamed>();
    for (const [source, tensor] of tensors) {
      if (!prefix.test(source)) continue;
      const name = OURS + source.replace(prefix, '');
      if (!wanted.has(name)) continue;
      const before = found.get(name);
      if (before) {
        throw new LlsmError(`${where}: it holds ${name} twice: ${before.source} and ${source}`);
      }
      found.set(name, {
        source,
        tensor: name.endsWith('.pointwise.weight') ? as1x1(tensor) : tensor,
      });
    }
    return found;
  };
}

/** Old files hold pointwise kernels as matrices [out, in]. */
function as1x1(tensor: HostTensor): HostTensor {
  if (tensor.shape.length !== 2) return tensor;
  return {
    shape: [...tensor.shape, 1, 1],
    get data() {
      return tensor.data;
    },
  };
}

const wrongWidth = (renamed: ReadonlyMap<string, Renamed>, specs: readonly ParamSpec[]): boolean =>
  specs.some(({ name, shape }) => {
    const tensor = renamed.get(name)?.tensor;
    return name === 'encoder.bn4.weight' && tensor !== undefined && tensor.shape[0] !== shape[0];
  });

function nothingFits(
  tensors: ReadonlyMap<string, HostTensor>,
  specs: readonly ParamSpec[],
  where: string,
  from: SourceName,
): LlsmError {
  const names = [...tensors.keys()];
  if (names.some((name) => specs.some((spec) => spec.name === name))) {
    return new LlsmError(`${where} is a checkpoint of llsm: begin from it with train --init`);
  }
  const others = Object.keys(SOURCES) as SourceName[];
  const meant = others.find((name) => SOURCES[name].rename(tensors, specs, where).size > 0);
  const some = names.slice(0, 3).join(', ');
  return new LlsmError(
    `${where} holds no Xception weights under the names of ${from} (it has ${some || 'no tensors'}` +
      `${names.length > 3 ? `, and ${names.length - 3} more` : ''})` +
      (meant ? `: did you mean --from ${meant}?` : ''),
  );
}
