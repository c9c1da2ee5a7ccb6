import { type Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../node/files/config.ts';
import { readManifests } from '../node/files/manifest.ts';
import { makeForgeries } from '../node/forge/make.ts';
import { writeForgerySheet } from '../node/forge/sheet.ts';
import { Progress } from '../node/system/progress.ts';
import { LlsmError, UsageError } from '../src/base/errors.ts';
import {
  easyForging,
  type ForgeMethod,
  forgeMethods,
  forgingOf,
} from '../src/config/forge-schema.ts';
import type { Split } from '../src/faces/manifest.ts';
import { forgingAt } from '../src/train/schedule.ts';
import { wholeNumber } from './arguments.ts';
import { splitsOption } from './data/options.ts';
import { printDropped } from './data/summary.ts';

type Shares = Partial<Record<ForgeMethod, number>>;

interface Options {
  real: string[];
  out: string;
  methods?: Shares;
  perImage: number;
  seed: number;
  care: 'drawn' | 'careless';
  view?: number;
  config?: string;
  degrade?: true;
  splits: Split[];
  sheet?: string;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('forge')
    .description(
      'Makes forgeries with exact masks from real faces. The set holds the real faces too, put ' +
        'through the same blur, noise and compression. Run again, it continues.',
    )
    .requiredOption('--real <dir...>', 'data sets whose real faces are used')
    .requiredOption('--out <dir>', 'the data set to write')
    .addOption(
      new Option(
        '--methods <shares>',
        `comma-separated, each with its share of the pairs where they differ, ` +
          `such as self-blend:2,swap:1,parts:1. Known: ${known}`,
      )
        .argParser(parseMethods)
        .default(undefined, "self-blend, or --config's own"),
    )
    .option('--per-image <n>', 'pairs for each real face', wholeNumber(1, 1000), 1)
    .option('--seed <n>', 'of everything drawn', wholeNumber(0, 0xffffffff), 0)
    .addOption(
      new Option(
        '--care <how>',
        'drawn for each, as forgers are more or less careful; careless: whole faces, colours ' +
          'hardly matched, which a small network learns sooner',
      )
        .choices(['drawn', 'careless'])
        .default('drawn'),
    )
    .addOption(splitsOption())
    .option('--view <n>', 'keep the centred square of n pixels of each picture', wholeNumber(32))
    .option(
      '--config <preset|file>',
      'forge as training with this config does at its end (`train.forge`, `train.stages`), at its sizes',
    )
    .option('--degrade', 'degrade whole pictures too, as training does')
    .option('--sheet <file>', 'a PNG to look at: some real faces, forgeries and masks')
    .option('--json', 'print the result as JSON')
    .action(run);
}

const known = forgeMethods.join(', ');

/** `swap:2,parts` as { swap: 2, parts: 1 }. */
function parseMethods(text: string): Shares {
  const shares: Shares = {};
  for (const entry of text.split(',')) {
    const [, name, share = '1'] = /^\s*([^:]*?)\s*(?::(.*))?$/.exec(entry) as RegExpExecArray;
    const method = forgeMethods.find((known) => known === name);
    if (!method) {
      throw new InvalidArgumentError(`There is no method "${name}". Known: ${known}.`);
    }
    if (Object.hasOwn(shares, method)) {
      throw new InvalidArgumentError(`${method} is named twice.`);
    }
    const value = Number(share);
    shares[method] = value;
    if (share.trim() === '' || !(value > 0 && value <= 1e6)) {
      throw new InvalidArgumentError(`The share of ${method} must be a number above 0.`);
    }
  }
  return shares;
}

/** How a run with a config forges at its end, and the part of a face crop that its network sees. */
function asTraining(config: string, care: Options['care'], methods?: Shares) {
  if (care === 'careless')
    throw new UsageError('--care and --config both say how to forge: give one');
  const { train, size } = loadConfig(config);
  if (!train.forge)
    throw new LlsmError(`${config}: train.forge is false, so nothing is forged by it`);
  const forging = forgingAt(train, Number.POSITIVE_INFINITY);
  return {
    forging: methods ? { ...forging, methods } : forging,
    side: forging.crop,
    view: size,
  };
}

async function run({ real, out, sheet, json, ...options }: Options): Promise<void> {
  const items = readManifests(real).filter(({ split }) => options.splits.includes(split));
  const { methods, perImage, seed, care, view } = options;
  const given = {
    ...(care === 'careless' && easyForging),
    methods: methods ?? { 'self-blend': 1 },
  } as const;
  const how = options.config
    ? asTraining(options.config, care, methods)
    : { forging: forgingOf(given) };
  let bar: Progress | undefined;
  const result = await makeForgeries(
    items,
    out,
    { ...how, perImage, seed, ...(view !== undefined && { view }), degraded: options.degrade },
    (done, total) => {
      bar ??= new Progress({ label: 'faces', total, images: perImage * 2 });
      bar.update(done);
    },
  ).finally(() => bar?.stop());
  if (sheet) await writeForgerySheet(out, sheet);
  if (json) {
    console.log(JSON.stringify({ out, ...(sheet && { sheet }), ...result }));
    return;
  }
  const counts = Object.entries(result.methods).map(([method, count]) => `${method} ${count}`);
  console.log(
    `${out}: ${result.written + result.kept} faces, half of them forged (${counts.join(', ')}); ` +
      `${result.kept} were there before`,
  );
  if (sheet) console.log(`${sheet}: real, forged, mask side by side`);
  printDropped(result.dropped, out);
}
