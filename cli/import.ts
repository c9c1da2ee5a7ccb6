import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { type Imported, SOURCES, type SourceName } from '../lab/convert/import/encoder.ts';
import { writeCheckpoint } from '../node/files/checkpoint.ts';
import { loadConfig } from '../node/files/config.ts';
import { writeFinder } from '../node/files/finder.ts';
import { UsageError } from '../src/base/errors.ts';
import { listUnfit } from '../src/model/llsm/checkpoint.ts';
import { sizeOf } from '../src/model/llsm/params.ts';
import { wholeNumber } from './arguments.ts';

interface Options {
  from: SourceName | 'yunet';
  out: string;
  config: string;
  seed: number;
  partial?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('import')
    .description(
      "Makes a checkpoint whose encoder has someone else's Xception weights, while the rest begins anew; or a face finder of YuNet's ONNX file. Files are read as data: nothing in them is executed.",
    )
    .argument('<file>', '.safetensors, .pth (of torch.save, new and old), .h5, or .onnx (yunet)')
    .addOption(
      new Option('--from <source>', 'whose names and geometry it has')
        .choices([...Object.keys(SOURCES), 'yunet'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'the .safetensors file to write')
    .option('--config <preset|file>', 'of the network; pretrained weights need width 1', 'paper')
    .option('--seed <n>', 'of what the file does not hold', wholeNumber(0, 0xffffffff), 0)
    .option('--partial', 'go on where the file lacks tensors of the encoder')
    .option('--json', 'print the result as JSON')
    .action(run);
}

async function run(file: string, options: Options): Promise<void> {
  const { from, out, seed, partial } = options;
  if (resolve(out) === resolve(file)) {
    throw new UsageError(`--out ${out} is the file to import: name another one`);
  }
  if (from === 'yunet') return importFinder(file, options);
  const config = loadConfig(options.config);
  const { importFile } = await import('../lab/convert/import/import-node.ts');
  const imported = await importFile(file, { from, config, seed, partial });
  writeCheckpoint(out, imported.checkpoint);
  print(file, options, imported);
}

async function importFinder(file: string, { out, from, json }: Options): Promise<void> {
  const { readBytes } = await import('../node/files/image.ts');
  const { importYunet } = await import('../lab/convert/facefinder/yunet.ts');
  const finder = importYunet(await readBytes(file), file);
  writeFinder(out, finder);
  const values = [...finder.tensors.values()].reduce((n, { data }) => n + data.length, 0);
  const tensors = [...finder.tensors.keys()];
  if (json) console.log(JSON.stringify({ out, from, values, tensors }));
  else {
    console.log(
      `${out}: a face finder of ${tensors.length} tensors (${values.toLocaleString('en')} values) ` +
        `from ${file} (${from})`,
    );
  }
}

function print(file: string, { from, out, seed, json }: Options, imported: Imported): void {
  const { checkpoint, taken, unused, missing, fresh } = imported;
  const { bnEps, poolPad } = checkpoint.config;
  const shapes = taken.map(({ name }) => checkpoint.tensors.get(name)?.shape ?? [0]);
  const values = shapes.reduce((n, shape) => n + sizeOf(shape), 0);
  if (json) {
    const result = { out, from, seed, bnEps, poolPad, values, taken, unused, missing, fresh };
    console.log(JSON.stringify(result));
    return;
  }
  const parts = [...new Set(fresh.map((name) => name.split('.')[0]))];
  console.log(
    `${out}: ${taken.length} encoder tensors (${values.toLocaleString('en')} values) from ` +
      `${file} (${from})`,
  );
  console.log(`Batch norm's epsilon ${bnEps} and pool padding ${poolPad}, as ${from} has them`);
  if (unused.length) console.log(`In the file and not used:\n${listUnfit(unused)}`);
  if (missing.length) console.log(`Of the encoder, begun anew:\n${listUnfit(missing)}`);
  console.log(`Begun anew, seed ${seed}: ${fresh.length} tensors (${parts.join(', ')})`);
}
