/** The tensors that `llsm run` takes, checked against the network that they are for. */
import { LlsmError } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import type { Config } from '../../config/config.ts';
import type { HostTensor } from './checkpoint.ts';
import type { Batch } from './losses.ts';

export interface RunInput extends Batch {
  /** Images in the batch. */
  items: number;
  /** Notes for the reader on what is no error. */
  notes: string[];
}

const KNOWN = ['image', 'label', 'mask', 'weight'];

/**
 * The batch in a file's tensors: `image` [B, S, S, 3]; with labels `label` [B] and, where the
 * network has a pair head or FLM, `mask` [B, S, S, 1] and perhaps `weight` [B], the mask weights.
 *
 * @param where the file's name, for messages
 * @throws LlsmError naming the file and the tensor: missing, of another shape, a value that is not
 *   finite or outside of its range, labels without masks, masks without labels
 */
export function runInput(
  tensors: ReadonlyMap<string, HostTensor>,
  where: string,
  config: Config,
): RunInput {
  const { size } = config;
  const image = tensors.get('image');
  if (!image) throw new LlsmError(`${where}: the tensor image [B, ${size}, ${size}, 3] is missing`);
  const items = image.shape[0] ?? 0;
  const take = (name: string, shape: number[], holds: string, fits: (value: number) => boolean) => {
    const tensor = tensors.get(name);
    if (!tensor) return undefined;
    checkShape(tensor, shape, `${where}: ${name}`, name === 'image');
    checkValues(tensor, `${where}: ${name}`, holds, fits);
    return tensor.data;
  };
  const share = (value: number) => value >= 0 && value <= 1;
  const batch = {
    image: take('image', [items, size, size, 3], 'finite values', Number.isFinite) as Float32Array,
    label: take('label', [items], 'values from 0 (real) to 1 (forged)', share),
    mask: take('mask', [items, size, size, 1], 'values from 0 to 1 (altered)', share),
    maskWeight: take('weight', [items], '0 (mask not known) or 1', (v) => v === 0 || v === 1),
  };
  if (!batch.label && (batch.mask || batch.maskWeight)) {
    throw new LlsmError(
      `${where}: it holds ${batch.mask ? 'mask' : 'weight'} and no label [B]: the losses need it`,
    );
  }
  if (batch.label && !batch.mask && (config.llsm || config.flm)) {
    throw new LlsmError(
      `${where}: it holds label and no mask [B, ${size}, ${size}, 1], which this network's losses ` +
        `need: for a forged face without one give zeros, and weight [B] with 0 for that face`,
    );
  }
  return { ...batch, items, notes: unknownNames([...tensors.keys()], where) };
}

function checkShape({ shape }: HostTensor, wanted: number[], where: string, isImage: boolean) {
  if (shape.length === wanted.length && shape.every((n, i) => n === wanted[i]) && shape[0] > 0) {
    return;
  }
  const form = isImage ? ['B', ...wanted.slice(1)] : wanted;
  const channelsFirst = shape.length === 4 && (shape[1] === 3 || shape[1] === 1) && shape[3] > 4;
  throw new LlsmError(
    `${where} is [${shape.join(', ')}], this network takes [${form.join(', ')}]` +
      (isImage && shape[0] === 0 ? ' with B at least 1' : '') +
      (channelsFirst ? ': channels come last here' : ''),
  );
}

function checkValues(
  { shape, data }: HostTensor,
  where: string,
  holds: string,
  fits: (value: number) => boolean,
) {
  const at = data.findIndex((value) => !fits(value));
  if (at < 0) return;
  throw new LlsmError(`${where} holds ${data[at]} at [${place(at, shape)}]; it takes ${holds}`);
}

/** Indices in a row-major shape of a flat index, as text. */
function place(at: number, shape: readonly number[]): string {
  const indices: number[] = [];
  for (const n of [...shape].reverse()) {
    indices.unshift(at % n);
    at = Math.floor(at / n);
  }
  return indices.join(', ');
}

function unknownNames(names: readonly string[], where: string): string[] {
  return names
    .filter((name) => !KNOWN.includes(name))
    .map((name) => {
      const meant = nearest(name, KNOWN);
      const hint = meant ? `did you mean ${meant}?` : `known are ${KNOWN.join(', ')}`;
      return `${where}: the tensor ${name} is not used; ${hint}`;
    });
}
