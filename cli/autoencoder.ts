import type { Command } from 'commander';
import { readManifests } from '../node/files/manifest.ts';
import { Progress } from '../node/system/progress.ts';
import { UsageError } from '../src/base/errors.ts';
import { type AutoencoderConfig, autoencoderSchema } from '../src/model/autoencoder/network.ts';
import { wholeNumber } from './arguments.ts';
import { withProgress } from './data/summary.ts';
import { listenForInterrupt } from './interrupt.ts';

interface TrainOptions {
  data: string[];
  out: string;
  init?: string;
  side?: number;
  steps: number;
  batch: number;
  lr: string;
  seed: number;
  json?: true;
}

export function register(program: Command): void {
  const command = program
    .command('autoencoder')
    .description('A small autoencoder of faces, whose reconstructions forging blends in.');
  command
    .command('train')
    .description('Trains one on the real faces of the train split. Ctrl-C saves and leaves.')
    .requiredOption('--data <dir...>', 'folders with a manifest.jsonl')
    .requiredOption('--out <file>', 'the .safetensors file to write')
    .option('--init <file>', 'begin from this one')
    .option(
      '--side <n>',
      'side of its pictures: 64 to 256, a multiple of 16 (default: 128)',
      wholeNumber(64, 256),
    )
    .option('--steps <n>', 'optimiser steps', wholeNumber(1), 4000)
    .option('--batch <n>', 'faces in a step', wholeNumber(1, 1024), 16)
    .option('--lr <rate>', "Adam's learning rate after the warm-up", '2e-3')
    .option('--seed <n>', 'of everything drawn', wholeNumber(0, 0xffffffff), 0)
    .option('--json', 'print the result as JSON')
    .action(train);
  command
    .command('apply <set...>')
    .description(
      "Writes an autoencoder's reconstruction of each real face into its data set, where forging by " +
        '`reconstruct` finds it.',
    )
    .requiredOption('--weights <file>', 'the autoencoder')
    .option('--json', 'print the result as JSON')
    .action(apply);
}

function configOf(side?: number): AutoencoderConfig {
  const parsed = autoencoderSchema.safeParse({ side });
  if (!parsed.success) throw new UsageError(`--side takes a multiple of 16, not ${side}`);
  return parsed.data;
}

async function train(options: TrainOptions): Promise<void> {
  const { data, out, init, steps, batch, seed, json } = options;
  const lr = Number(options.lr);
  if (!(lr > 0)) throw new UsageError(`--lr takes a number above 0, not ${options.lr}`);
  const items = readManifests(data);
  const { openGpu } = await import('./gpu.ts');
  const { readAutoencoder, trainAutoencoder } = await import('../node/train/autoencoder.ts');
  const { initAutoencoder } = await import('../src/model/autoencoder/checkpoint.ts');
  if (init !== undefined && options.side !== undefined) {
    throw new UsageError('--init has a side of its own: leave --side out');
  }
  const begin =
    init === undefined ? initAutoencoder(configOf(options.side), seed) : readAutoencoder(init);
  const gpu = await openGpu();
  const interrupt = listenForInterrupt();
  const bar = new Progress({ label: 'autoencoder', total: steps, images: batch });
  const result = await trainAutoencoder(gpu, {
    ...{ items, begin, out, steps, batch, lr, seed },
    stop: interrupt.seen,
    onStep: (done, distance) => bar.update(done, { distance }),
  }).finally(() => {
    bar.stop();
    interrupt.close();
  });
  if (json) console.log(JSON.stringify({ out, ...result }));
  else {
    console.log(
      `${out}: ${result.steps} of ${steps} steps; a value is off by ${result.distance.toFixed(1)} grey ` +
        'levels in the mean of the last tenth',
    );
  }
  if (result.steps < steps) process.exitCode = 130;
}

async function apply(sets: string[], { weights, json }: { weights: string; json?: true }) {
  const { openGpu } = await import('./gpu.ts');
  const { readAutoencoder, reconstructSet } = await import('../node/train/autoencoder.ts');
  const { Autoencoder } = await import('../src/faces/autoencoder.ts');
  const checkpoint = readAutoencoder(weights);
  const gpu = await openGpu();
  const batch = 8;
  const autoencoder = await Autoencoder.build(gpu, checkpoint, batch);
  const results: { set: string; faces: number }[] = [];
  try {
    for (const set of sets) {
      const faces = await withProgress('faces', 1, (progress) =>
        reconstructSet(set, autoencoder, batch, progress),
      );
      results.push({ set, faces });
    }
  } finally {
    autoencoder.dispose();
  }
  if (json) console.log(JSON.stringify(results));
  else for (const { set, faces } of results) console.log(`${set}: ${faces} reconstructions`);
}
