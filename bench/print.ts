/** The benchmark's results as text. */
import type { KernelShare } from './by-kernel.ts';
import type { Ceiling } from './ceilings.ts';
import type { Machine } from './machine.ts';
import type { NetworkRow } from './networks.ts';
import type { Row } from './rows.ts';

const columns = [60, 10, 28, 14] as const;

export const line = (name: string, ...cells: string[]): string =>
  [name.padEnd(columns[0]), ...cells.map((cell, i) => cell.padStart(columns[i + 1]))].join('');

/** Three figures that mean something. */
export const short = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toPrecision(3);

/** Which of the two kinds of kernels an adapter gets. */
export const kernelsOf = (subgroupSize: number): string =>
  subgroupSize ? `kernels for subgroups of ${subgroupSize}` : 'portable kernels';

const ceilingText = ({ gflops, gbs }: Ceiling): string =>
  `multiply-adds ${short(gflops)} GFLOP/s, copy ${short(gbs)} GB/s`;

export function headText(machine: Machine, ceiling: Ceiling): string {
  const { adapter, software, subgroupSize, toggles, node, platform, cpu, cpus, load } = machine;
  const kind = software ? 'software driver' : 'GPU';
  return [
    `llsm ${machine.version}, ${machine.date}`,
    `adapter: ${adapter} (${kind}, ${kernelsOf(subgroupSize)})`,
    `toggles asked for: ${toggles.join(', ')}`,
    `Node ${node}, ${platform}, ${cpus} x ${cpu}, load ${load.toFixed(2)}`,
    `ceilings at the start: ${ceilingText(ceiling)}`,
    '',
    line('case', 'ms', 'rate', '% of ceiling'),
  ].join('\n');
}

const nameOf = ({ name, plain }: { name: string; plain: boolean }): string =>
  plain ? `  plain ${name}` : name;

export function rowText(row: Row): string {
  const { milliseconds, work, bound, share } = row;
  if (!work || share === undefined) return line(nameOf(row), short(milliseconds));
  const rate =
    bound === 'arithmetic'
      ? `${short(work.flops / milliseconds / 1e6)} GFLOP/s`
      : `${short(work.bytes / milliseconds / 1e6)} GB/s`;
  return line(nameOf(row), short(milliseconds), rate, (share * 100).toFixed(0));
}

const mebibytes = (bytes: number): string => `${short(bytes / 2 ** 20)} MiB`;

export function networkText(row: NetworkRow): string {
  const { milliseconds, flops, batch, share } = row;
  const rate = `${short(flops / milliseconds / 1e6)} GFLOP/s`;
  return [
    line(nameOf(row), short(milliseconds), rate, (share * 100).toFixed(0)),
    `    ${short((batch * 1000) / milliseconds)} images/s, ${row.dispatches} dispatches of ` +
      `${row.pipelines} pipelines; built in ${short(row.buildMilliseconds)} ms, first run ` +
      `${short(row.first)} ms; planned ${mebibytes(row.planBytes)} beside ` +
      `${mebibytes(row.paramBytes)} of parameters`,
    ...row.kernels.map(kernelText),
  ].join('\n');
}

/** A kernel's line in a profile, in the columns of the table. */
export const kernelText = ({
  kernel,
  dispatches,
  milliseconds,
  share,
  gflops,
  gbs,
}: KernelShare): string =>
  line(
    `    ${kernel} (${dispatches})`,
    short(milliseconds),
    [gflops === undefined ? '' : `${short(gflops)} GFLOP/s`, `${short(gbs)} GB/s`].join(' ').trim(),
    (share * 100).toFixed(1),
  );

export function tailText(ceilings: readonly Ceiling[], pipelines: number): string {
  const range = (values: number[]): string =>
    `${short(Math.min(...values))} to ${short(Math.max(...values))}`;
  return [
    '',
    `ceilings at the end: ${ceilingText(ceilings[ceilings.length - 1])}`,
    `over the run (${ceilings.length} times): ${range(ceilings.map(({ gflops }) => gflops))} GFLOP/s, ` +
      `${range(ceilings.map(({ gbs }) => gbs))} GB/s`,
    `pipelines compiled: ${pipelines}`,
  ].join('\n');
}
