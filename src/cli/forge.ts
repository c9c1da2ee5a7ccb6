import { type Command, InvalidArgumentError } from 'commander';
import { makeForgeries, methods } from '../data/forge/make.ts';
import { writeForgerySheet } from '../data/forge/sheet.ts';
import { readManifests } from '../data/manifest-node.ts';
import { Progress } from '../train/progress.ts';
import { printDropped } from './data.ts';

interface Options {
  real: string[];
  out: string;
  methods: string[];
  perImage: number;
  seed: number;
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
    .option('--methods <names>', `comma-separated: ${known}`, parseMethods, ['self-blend'])
    .option('--per-image <n>', 'pairs for each real face and method', parseCount(1, 1000), 1)
    .option('--seed <n>', 'of everything drawn', parseCount(0, 0xffffffff), 0)
    .option('--sheet <file>', 'a PNG to look at: some real faces, forgeries and masks')
    .option('--json', 'print the result as JSON')
    .action(run);
}

const known = Object.keys(methods).join(', ');

function parseMethods(text: string): string[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  const unknown = names.find((name) => !Object.hasOwn(methods, name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`There is no method "${unknown}". Known: ${known}.`);
  }
  return names;
}

function parseCount(low: number, high: number) {
  return (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < low || value > high) {
      throw new InvalidArgumentError(`It must be a whole number from ${low} to ${high}.`);
    }
    return value;
  };
}

async function run({ real, out, sheet, json, ...options }: Options): Promise<void> {
  const items = readManifests(real);
  const { methods: chosen, perImage, seed } = options;
  let bar: Progress | undefined;
  const result = await makeForgeries(
    items,
    out,
    { methods: chosen, perImage, seed },
    (done, total) => {
      bar ??= new Progress({ label: 'faces', total, images: chosen.length * perImage * 2 });
      bar.update(done);
    },
  ).finally(() => bar?.stop());
  if (sheet) await writeForgerySheet(out, sheet);
  if (json) {
    console.log(JSON.stringify({ out, ...(sheet && { sheet }), ...result }));
    return;
  }
  console.log(
    `${out}: ${result.written + result.kept} faces, half of them forged (${chosen.join(', ')}); ` +
      `${result.kept} were there before`,
  );
  if (sheet) console.log(`${sheet}: real, forged, mask side by side`);
  printDropped(result.dropped, out);
}
