import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readCheckpoint, writeCheckpoint } from '../node/files/checkpoint.ts';
import { loadConfig } from '../node/files/config.ts';
import { writeFileWhole } from '../node/system/write-file.ts';
import { UsageError } from '../src/base/errors.ts';
import { sizeRange } from '../src/config/config.ts';
import type { Checkpoint } from '../src/model/llsm/checkpoint.ts';
import { leftOut } from '../src/model/llsm/positions.ts';
import { wholeNumber } from './arguments.ts';

interface Options {
  onnx?: string;
  f16?: string;
  size?: number;
  config?: string;
  json?: true;
}

const { least, most } = sizeRange;

export function register(program: Command): void {
  program
    .command('export')
    .description(
      'Writes a network for other runtimes, as ONNX (opset 18): image [B,S,S,3] (x / 127.5 - 1) to ' +
        'logit [B], mask [B,S,S,1] and similarity [B,HW,HW], all logits, for any batch B; or as a ' +
        'checkpoint of half the size.',
    )
    .argument('<weights>', 'the checkpoint')
    .option('--onnx <file>', 'the .onnx file to write')
    .option('--f16 <file>', 'the .safetensors file to write, weights in 16 bits')
    .option(
      '--size <pixels>',
      `another side S of the images, ${least} to ${most} (default: the checkpoint's)`,
      wholeNumber(least, most),
    )
    .option('--config <preset|file>', 'of a checkpoint that carries no config')
    .option('--json', 'print the result as JSON')
    .action(run);
}

/** A threshold holds for the size that it was chosen at. */
function atSize(checkpoint: Checkpoint, size = checkpoint.config.size): Checkpoint {
  if (size === checkpoint.config.size) return checkpoint;
  const { config, tensors, version, threshold } = checkpoint;
  if (threshold) {
    console.error(`llsm: the threshold is left out: it was chosen at ${config.size} px`);
  }
  return { config: { ...config, size }, tensors, version };
}

async function run(weights: string, options: Options): Promise<void> {
  const { onnx, f16, size, config: name, json } = options;
  if (onnx === undefined && f16 === undefined) throw new UsageError('Say --onnx or --f16');
  for (const [option, out] of Object.entries({ onnx, f16 })) {
    if (out === undefined) continue;
    if ([weights, name].some((path) => path !== undefined && resolve(path) === resolve(out))) {
      throw new UsageError(`--${option} ${out} is also read: name another file`);
    }
  }
  const given = name === undefined ? undefined : loadConfig(name);
  const checkpoint = atSize(readCheckpoint(weights, given), size);
  if (f16 !== undefined) {
    writeCheckpoint(f16, checkpoint, { f16: true });
    const bytes = statSync(f16).size;
    if (onnx === undefined && json) console.log(JSON.stringify({ out: f16, bytes }));
    if (!json) console.log(`${f16}: weights in 16 bits (${(bytes / 1e6).toFixed(1)} MB)`);
  }
  if (onnx === undefined) return;
  const note = leftOut(checkpoint.config);
  if (note) console.error(`llsm: ${note}`);

  const { onnxNetwork } = await import('../lab/convert/onnx/export.ts');
  const graph = onnxNetwork(checkpoint);
  const file = graph.serialise();
  writeFileWhole(onnx, [file]);
  print(onnx, graph, file.length, json);
}

type Named = readonly { name: string; shape: readonly number[] }[];

function print(
  path: string,
  { inputs, outputs }: { inputs: Named; outputs: Named },
  bytes: number,
  json?: true,
) {
  if (json) {
    const shapes = (values: Named) =>
      Object.fromEntries(values.map(({ name, shape }) => [name, ['B', ...shape]]));
    const result = { out: path, inputs: shapes(inputs), outputs: shapes(outputs), bytes };
    console.log(JSON.stringify(result));
    return;
  }
  const list = (values: Named) =>
    values.map(({ name, shape }) => `${name} [${['B', ...shape].join(', ')}]`).join(', ');
  console.log(`${path}: ${list(inputs)} to ${list(outputs)} (${(bytes / 1e6).toFixed(1)} MB)`);
}
