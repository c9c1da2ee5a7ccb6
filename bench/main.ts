import { openTunedGpu } from '../node/gpu/tuned.ts';
import { UsageError } from '../src/base/errors.ts';
import { pipelineCount } from '../src/gpu/pipeline.ts';
import { type Ceiling, Ceilings } from './ceilings.ts';
import { describeMachine, type Machine } from './machine.ts';
import { type NetworkRow, networkRows } from './networks.ts';
import { headText, networkText, rowText, tailText } from './print.ts';
import { noopRows, operationRows, type Row, type RowOptions } from './rows.ts';

export interface BenchOptions {
  /** Fewer and shorter samples and no long case: under a minute. */
  quick?: boolean;
  /** A regular expression that a row's name must match, in letters of either case. */
  only?: string;
  json?: boolean;
  /** Images a run, for every case. */
  batch?: number;
  /** Dawn's toggles, `name` to enable or `-name` to disable. */
  toggles?: readonly string[];
  /** The portable kernels too, where this adapter gets others. */
  plain?: boolean;
}

/** What `--json` prints. */
export interface Result {
  machine: Machine;
  rows: Row[];
  networks: NetworkRow[];
  /** Whenever they were measured, first to last. */
  ceilings: Ceiling[];
  /** Pipelines compiled in all. */
  pipelines: number;
}

/**
 * Runs the benchmark, and prints rows as they come or one JSON object at the end.
 * @throws UsageError when `only` is no regular expression; LlsmError when the GPU fails.
 */
export async function bench(options: BenchOptions): Promise<void> {
  const { quick = false, json = false, plain = false, batch } = options;
  const print = json ? () => {} : console.log;
  const rowOptions: RowOptions = {
    effort: quick
      ? { samples: 3, sampleMilliseconds: 20, mostMilliseconds: 500 }
      : { samples: 7, sampleMilliseconds: 50, mostMilliseconds: 5000 },
    matches: pattern(options.only),
    slow: !quick,
    named: options.only !== undefined,
    plain,
    batch,
  };
  // A profile needs timestamps as they are; by default they are rounded to 0.07 ms.
  const toggles = ['-timestamp_quantization', ...(options.toggles ?? [])];
  const gpu = await openTunedGpu((note) => console.error(note), toggles);
  const machine = describeMachine(gpu);
  const ceilings = await Ceilings.build(gpu);
  print(headText(machine, ceilings.all[0]));
  const rows = await noopRows(ceilings, rowOptions);
  for (const row of rows) print(rowText(row));
  for await (const row of operationRows(gpu, ceilings, rowOptions)) {
    rows.push(row);
    print(rowText(row));
  }
  const networks: NetworkRow[] = [];
  for await (const row of networkRows(gpu, ceilings, rowOptions)) {
    networks.push(row);
    print(networkText(row));
  }
  if (rows.length + networks.length === 0) {
    throw new UsageError(`--only ${options.only}: no row has a name that matches`);
  }
  const pipelines = pipelineCount(gpu);
  ceilings.destroy();
  print(tailText(ceilings.all, pipelines));
  if (json) {
    const result: Result = { machine, rows, networks, ceilings: ceilings.all, pipelines };
    console.log(JSON.stringify(result));
  }
}

/** Whether a name matches; everything does where there is no pattern. */
export function pattern(only = ''): (name: string) => boolean {
  try {
    const found = new RegExp(only, 'i');
    return (name) => found.test(name);
  } catch {
    throw new UsageError(`--only takes a regular expression, and "${only}" is none`);
  }
}
