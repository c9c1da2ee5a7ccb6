import type { Kernel } from '../../gpu/pipeline.ts';
import type { Joint, Launch } from '../../graph/record.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { shader } from '../shader.ts';
import packSource from './pack_many.wgsl';
import reduceSource from './reduce.wgsl';
import { type MatrixView, viewFields } from './view.ts';

const reduceShader = shader('reduce', reduceSource);
const packManyShader = shader('pack_many', packSource);

/** Invocations of a workgroup, as the shaders have it. */
const invocations = 256;

/** Parts of a dispatch: with the buffer that they have in common, as many as every adapter binds. */
const most = 7;

/** Invocations that a reduction is spread over where its partial rows are many. */
const spread = 1 << 16;

/**
 * A launch of one part, which may be joined with others. Shaders name what each part has of its own
 * (a binding, the uniform's fields) with the part's number at the end.
 * @param common name of the binding that all parts share; `own` of the other, without its number
 */
function partOf(
  { common, own, early, kernel }: PartKind,
  bind: { common: Tensor; own: Tensor },
  { params, groups }: { params: Launch['params']; groups: number },
): Launch {
  return {
    kernel: kernel({ PARTS: 1 }),
    bind: { [common]: bind.common, [`${own}_0`]: bind.own },
    params: (slice, rows) => numbered({ ...params(slice, rows), end: groups }, 0),
    grid: () => [groups],
    joint: bind.common.batched
      ? undefined
      : { kind: own, most, early, common, of: (parts, whole) => joined(parts, whole) },
  };

  function joined(parts: readonly Launch[], whole: Tensor): Launch {
    const names = parts.map((_, j) => `${own}_${j}`);
    return {
      kernel: kernel({ PARTS: parts.length }),
      bind: {
        [common]: whole,
        ...Object.fromEntries(parts.map((part, j) => [names[j], part.bind[`${own}_0`]])),
      },
      params: (slice, rows) => {
        const fields = parts.map((part, j) => {
          const { base_0: base, ...others } = part.params(slice, rows);
          const shift = startOf(part.bind[common]) - startOf(whole);
          return renumbered({ ...others, base_0: base + shift }, j);
        });
        return Object.assign({}, ...fields);
      },
      grid: (slice) => [parts.reduce((sum, part) => sum + part.grid(slice)[0], 0)],
    };
  }
}

/** What the parts of one shader have in common. */
interface PartKind {
  kernel(constants: { PARTS: number }): Kernel;
  common: string;
  own: string;
  early: Joint['early'];
}

const startOf = ({ options }: Tensor): number => options.offset ?? 0;

const numbered = (fields: Readonly<Record<string, number>>, j: number): Record<string, number> =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [`${name}_${j}`, value]));

const renumbered = (fields: Readonly<Record<string, number>>, j: number): Record<string, number> =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.replace(/_0$/, `_${j}`), value]),
  );

const reduces: PartKind = {
  kernel: reduceShader,
  common: 'parameter',
  own: 'partial',
  early: false,
};

const packs: PartKind = {
  kernel: packManyShader,
  common: 'parameter',
  own: 'matrix',
  early: true,
};

/** Adds up partial rows as `unpack` does, in a tree: one part of reduce.wgsl. */
export function reducePart(
  from: Tensor,
  to: Tensor,
  view: MatrixView,
  { scale, at }: { scale: number; at: number },
): Launch {
  const values = view.rows.count * view.columns.count;
  const across = acrossOf(values);
  return partOf(
    reduces,
    { common: to, own: from },
    {
      params: (_, rows) => ({
        ...viewFields(view),
        across,
        partials: rows(from),
        width: from.shape[1],
        at,
        scale,
      }),
      groups: Math.ceil(values / across),
    },
  );
}

/**
 * Values that a workgroup adds up side by side. Few values leave invocations for many partial rows at
 * once; eight neighbours still load a whole sector of memory.
 */
function acrossOf(values: number): number {
  const rows = Math.min(32, Math.max(1, spread / values));
  const across = invocations / 2 ** Math.floor(Math.log2(rows));
  return values < across ? 2 ** Math.ceil(Math.log2(values)) : across;
}

/** The parameter as a dense matrix, as `pack` makes it: one part of pack_many.wgsl. */
export function packPart(from: Tensor, to: Tensor, view: MatrixView): Launch {
  const [padRows, padded] = to.shape;
  return partOf(
    packs,
    { common: from, own: to },
    {
      params: () => ({ ...viewFields(view), padded, padRows }),
      groups: Math.ceil((padRows * padded) / invocations),
    },
  );
}
