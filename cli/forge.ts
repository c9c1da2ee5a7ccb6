import { type Command, InvalidArgumentError, Option } from 'commander';
import { readManifests } from '../node/files/manifest.ts';
import { makeForgeries } from '../node/forge/make.ts';
import { writeForgerySheet } from '../node/forge/sheet.ts';
import { Progress } from '../node/system/progress.ts';
import {
  easyForging,
  type ForgeMethod,
  forgeMethods,
  forgingOf,
} from '../src/config/forge-schema.ts';
import type { Split } from '../src/faces/manifest.ts';
import { wholeNumber } from './arguments.ts';
import { splitsOption } from './data/options.ts';
import { printDropped } from './data/summary.ts';

interface Options {
  real: string[];
  out: string;
  methods: Partial<Record<ForgeMethod, number>>;
  perImage: number;
  seed: number;
  care: 'drawn' | 'careless';
  view?: number;
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
        .default({ 'self-blend': 1 }, 'self-blend'),
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
    .option('--sheet <file>', 'a PNG to look at: some real faces, forgeries and masks')
    .option('--json', 'print the result as JSON')
    .action(run);
}

const known = forgeMethods.join(', ');

/** `swap:2,parts` as { swap: 2, parts: 1 }. */
function parseMethods(text: string): Options['methods'] {
  const shares: Options['methods'] = {};
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

async function run({ real, out, sheet, json, ...options }: Options): Promise<void> {
  const items = readManifests(real).filter(({ split }) => options.splits.includes(split));
  const { methods, perImage, seed, care, view } = options;
  const forging = forgingOf({ ...(care === 'careless' && easyForging), methods });
  let bar: Progress | undefined;
  const result = await makeForgeries(
    items,
    out,
    { forging, perImage, seed, view },
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
