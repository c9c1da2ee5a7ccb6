import { statSync } from 'node:fs';
import type { Command } from 'commander';
import { writeCheckpoint } from '../node/files/checkpoint.ts';
import { loadConfig } from '../node/files/config.ts';
import { initParams } from '../src/model/llsm/init.ts';
import { listParams, sizeOf } from '../src/model/llsm/params.ts';
import { wholeNumber } from './arguments.ts';

interface Options {
  config: string;
  seed: number;
  out: string;
  f16?: boolean;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('init')
    .description('Writes an initialised checkpoint: equal configs and seeds give equal bytes.')
    .option(
      '--config <preset|file>',
      'preset (paper, small, baseline, +llsm, +flm) or JSON',
      'paper',
    )
    .option('--seed <n>', 'of the random initial values', wholeNumber(0, 0xffffffff), 0)
    .requiredOption('--out <file>', 'the .safetensors file to write')
    .option('--f16', 'halve the weights; batch norm stays 32 bit')
    .option('--json', 'print the result as JSON')
    .action(run);
}

function run({ config: name, seed, out, f16 = false, json }: Options): void {
  const config = loadConfig(name);
  writeCheckpoint(out, initParams(config, seed), { f16 });
  const specs = listParams(config);
  const trained = specs.filter(({ kind }) => kind === 'weight');
  const result = {
    out,
    config: name,
    seed,
    tensors: specs.length,
    trained: trained.reduce((n, { shape }) => n + sizeOf(shape), 0),
    bytes: statSync(out).size,
  };
  if (json) console.log(JSON.stringify(result));
  else {
    console.log(
      `${out}: ${result.trained.toLocaleString('en')} trained values in ${result.tensors} tensors ` +
        `(${(result.bytes / 1e6).toFixed(1)} MB), config ${name}, seed ${seed}`,
    );
  }
}
