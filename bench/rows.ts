import type { Gpu } from '../src/gpu/device.ts';
import type { Kernel } from '../src/gpu/pipeline.ts';
import type { Case, Part, Work } from './cases/case.ts';
import { cases } from './cases/cases.ts';
import type { Ceiling, Ceilings } from './ceilings.ts';
import { type Prepared, prepare } from './prepare.ts';
import { type Effort, inOneSubmit, type Timing, time } from './time.ts';

/** One measured line of the table of operations. */
export interface Row extends Timing {
  name: string;
  /** The portable kernels, where this adapter gets others. */
  plain: boolean;
  /** Names of the kernels that ran. */
  kernels: string[];
  /** The least arithmetic and traffic, where the case states them. */
  work?: Work;
  /** What bounds it at best: arithmetic or memory. */
  bound?: 'arithmetic' | 'memory';
  /** The least time that the ceilings beside it allow, over the time that it took. */
  share?: number;
}

export interface RowOptions {
  effort: Effort;
  /** Which rows are wanted, by name. */
  matches(name: string): boolean;
  /** The long cases too. */
  slow: boolean;
  /** Whether rows were asked for by name. */
  named: boolean;
  plain: boolean;
  batch?: number;
}

const parts: Record<Part, string> = {
  forward: 'forward',
  dX: 'dX',
  dW: 'dW',
  whole: 'forward + backward',
};

/** Measures a dispatch that does nothing, alone and among others. */
export async function noopRows(ceilings: Ceilings, { effort, matches }: RowOptions) {
  const rows: Row[] = [];
  for (const dispatches of [1, 1000]) {
    const name = `noop, ${dispatches === 1 ? 'a dispatch' : `${dispatches} dispatches`} in a submit`;
    if (!matches(name)) continue;
    const timing = await ceilings.noop(dispatches, effort);
    rows.push({ name, plain: false, kernels: ['noop'], ...timing });
  }
  return rows;
}

/**
 * Measures every wanted part of every case; the ceilings again after each, because a machine
 * drifts. A case whose portable kernels are the ones that it runs anyway has no plain row.
 */
export async function* operationRows(
  gpu: Gpu,
  ceilings: Ceilings,
  options: RowOptions,
): AsyncGenerator<Row> {
  const forms = options.plain && gpu.subgroupSize > 0 ? [gpu.subgroupSize, 0] : [gpu.subgroupSize];
  for (const it of cases(options.batch)) {
    if (it.slow && !options.slow) continue;
    for (const part of Object.keys(parts) as Part[]) {
      if (!it.work[part] || !options.matches(`${it.name}: ${parts[part]}`)) continue;
      let tuned: readonly Kernel[] | undefined;
      for (const subgroupSize of forms) {
        const made = await prepare(gpu, it, part, subgroupSize);
        if (!tuned || made.kernels.some((kernel) => !tuned?.includes(kernel))) {
          const plain = tuned !== undefined;
          yield { plain, ...(await measure(gpu, ceilings, it, part, made, options.effort)) };
        }
        made.destroy();
        tuned = made.kernels;
      }
    }
  }
}

async function measure(
  gpu: Gpu,
  ceilings: Ceilings,
  it: Case,
  part: Part,
  { plan, kernels }: Prepared,
  effort: Effort,
): Promise<Omit<Row, 'plain'>> {
  const timing = await time(gpu, inOneSubmit(plan), effort, ceilings.latency);
  await ceilings.measure();
  const work = it.work[part] as Work;
  const { bound, floor } = roofline(work, ceilings.here());
  return {
    name: `${it.name}: ${parts[part]}`,
    kernels: kernels.map(({ name }) => name),
    ...timing,
    work,
    bound,
    share: floor / timing.milliseconds,
  };
}

/** The milliseconds that work takes at least, and what says so. */
function roofline({ flops, bytes }: Work, { gflops, gbs }: Ceiling) {
  const [compute, move] = [flops / gflops / 1e6, bytes / gbs / 1e6];
  const bound = compute > move ? ('arithmetic' as const) : ('memory' as const);
  return { bound, floor: Math.max(compute, move) };
}
