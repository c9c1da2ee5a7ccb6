/** The results against other libraries as text: a row as it comes, and all of them as a page. */

import type { Ceiling } from '../ceilings.ts';
import type { Machine } from '../machine.ts';
import { kernelsOf, short } from '../print.ts';
import type { MemoryResult } from './memory.ts';
import type { Rival } from './peers.ts';
import type { RivalResult, RowResult } from './row.ts';
import type { Probe } from './task.ts';

/** What `--json` prints and `--write` makes a page of. */
export interface PeersResult {
  machine: Machine;
  peers: (Probe & Pick<Rival, 'name' | 'title'>)[];
  rows: RowResult[];
  memory: MemoryResult[];
  ceilings: Ceiling[];
  minutes: number;
  /** The options that chose the rows. */
  chosen: string;
}

const milliseconds = (value: number): string => `${short(value)} ms`;

const times = (value: number): string => short(value);

/** "met", "met, and the stretch", "missed". */
function verdict(value: number, { ratio, stretch }: { ratio: number; stretch?: number }): string {
  if (value < ratio) return 'missed';
  return stretch !== undefined && value >= stretch ? 'met, stretch too' : 'met';
}

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;

/** What a difference is: the worst output's, or of a training step the median gradient's. */
const agreement = ({ agreement }: RivalResult): string =>
  agreement ? `${agreement.difference.toExponential(0)} of ${agreement.tolerance}` : '';

const goalOf = ({ goal }: RivalResult): string =>
  goal ? `>= ${goal.ratio}${goal.stretch ? ` (${goal.stretch})` : ''}` : '';

const cellsOf = (result: RivalResult): string[] => {
  const { standing, goal, absent } = result;
  if (!standing) return ['', '', goalOf(result), `absent: ${absent}`];
  const { ratio, ratioLow, ratioHigh } = standing;
  return [
    milliseconds(standing.milliseconds),
    `${times(ratio)} (${times(ratioLow)} to ${times(ratioHigh)})`,
    goalOf(result),
    goal ? verdict(ratio, goal) : '',
  ];
};

/** Our own time and rate, in words. */
function ownText({ ours, share, shareGoal, load }: RowResult): string {
  const range = `${short(ours.low)} to ${short(ours.high)}`;
  const rate = share === undefined ? '' : `; ${percent(share)} of the multiply-add ceiling`;
  const aimed =
    shareGoal === undefined || share === undefined
      ? ''
      : ` (goal ${percent(shareGoal)}: ${verdict(share, { ratio: shareGoal })})`;
  return `${milliseconds(ours.milliseconds)} (${range}, ${ours.rounds} rounds)${rate}${aimed}; load ${load.toFixed(1)}`;
}

export function rowText(row: RowResult): string {
  const lines = row.rivals.map((result) => {
    const cells = [...cellsOf(result), agreement(result)];
    return `    ${result.title.padEnd(24)}${cells.map((cell) => cell.padEnd(22)).join('')}`.trimEnd();
  });
  return [`${row.name}: ${ownText(row)}`, ...lines].join('\n');
}

const mebibytes = (bytes: number): string => `${short(bytes / 2 ** 20)} MiB`;

export function memoryText({ name, ours, theirs, goal, workspace }: MemoryResult): string[] {
  const lines = theirs.map(({ title, bytes, method, process, absent }) => {
    if (bytes === undefined) return `${title}: absent: ${absent}`;
    const share = ours / bytes;
    const aim = ` (goal at most ${goal}: ${share <= goal ? 'met' : 'missed'})`;
    const whole = process ? `; its whole process peaked at ${mebibytes(process)}` : '';
    return `${title}: ${mebibytes(bytes)}, ${method}; ours is ${share.toFixed(2)} of it${aim}${whole}`;
  });
  return [
    `${name}: ours ${mebibytes(ours)}, as planned: everything that a step holds on the GPU`,
    ...lines,
    ...workspace.map(
      ({ name, bytes, goal }) =>
        `${name}: ${mebibytes(bytes)} beyond inputs and gradients (goal under ${mebibytes(goal)}: ` +
        `${bytes < goal ? 'met' : 'missed'})`,
    ),
  ];
}

const tableRow = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** bench/RESULTS.md. */
export function page(result: PeersResult): string {
  const { machine, peers, rows, memory, ceilings, minutes, chosen } = result;
  const { adapter, device, software, subgroupSize, node, platform, cpu, cpus, date, version } =
    machine;
  const rates = ceilings.map(({ gflops }) => gflops);
  const present = peers.map(({ title, version, device, absent }) =>
    absent === undefined
      ? `- ${title} ${version}${device ? `, ${device}` : ''}`
      : `- ${title}: absent: ${absent}`,
  );
  const head = ['case', 'with', 'its time', 'its time / ours', 'goal', '', 'difference'];
  const body = rows.flatMap((row) => [
    tableRow([`**${row.name}**`, 'llsm', ownText(row), '1', '', '', '']),
    ...row.rivals.map((result) =>
      tableRow(['', result.title, ...cellsOf(result), agreement(result)]),
    ),
  ]);
  return `${[
    '# Against other libraries',
    '',
    'Written by `npm run bench:peers -- --write`; do not edit. How to read it is in',
    '`bench/peers/README.md`; what the figures mean, and what was tried, in `bench/NOTES.md`.',
    '',
    `- llsm ${version}, ${date}, ${minutes.toFixed(0)} minutes${chosen && `, rows by ${chosen}`}`,
    `- Adapter: ${device || 'unnamed'} (${software ? 'software driver' : 'GPU'}, ${kernelsOf(subgroupSize)}), driver ${adapter}`,
    `- Node ${node}, ${platform}, ${cpus} x ${cpu}`,
    `- Multiply-adds measured between the rounds: ${short(Math.min(...rates))} to ${short(Math.max(...rates))} GFLOP/s`,
    ...present,
    '',
    tableRow(head),
    tableRow(head.map(() => '---')),
    ...body,
    '',
    ...(memory.length > 0 ? ['## Memory', ''] : []),
    ...memory.flatMap(memoryText).map((line) => `- ${line}`),
  ].join('\n')}\n`;
}
