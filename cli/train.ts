import type { Command } from 'commander';
import { loadConfig } from '../node/files/config.ts';
import { beginning } from '../node/train/beginning.ts';
import { UsageError } from '../src/base/errors.ts';
import type { Config } from '../src/config/config.ts';
import { collect, wholeNumber } from './arguments.ts';
import { listenForInterrupt } from './interrupt.ts';

interface Options {
  data: string[];
  validate?: string[];
  config?: string;
  set?: string[];
  out: string;
  init?: string;
  resume?: boolean;
  plan?: boolean;
  saveEvery?: number;
  workers?: number;
  json?: boolean;
}

export function register(program: Command): void {
  program
    .command('train')
    .description(
      'Trains a network on the train split of one or more data folders; after each epoch the val split, ' +
        'where there is one, picks the best weights. With train.forge in the config the folders hold ' +
        'real faces, whose forgeries are drawn anew at each visit.',
    )
    .requiredOption('--data <dir...>', 'folders with a manifest.jsonl')
    .option('--validate <dir...>', 'take the val split from these folders (default: from --data)')
    .requiredOption('--out <dir>', "the run's folder: state, weights, metrics.jsonl")
    .option(
      '--config <preset|file>',
      'preset or JSON (default: small; on resume the run has its own)',
    )
    .option(
      '--set <key=value>',
      'one value of the config, such as train.lr=1e-3; repeatable',
      collect,
    )
    .option('--init <file>', 'begin from these weights: what fits is taken, the rest is listed')
    .option('--resume', 'continue the run in --out')
    .option(
      '--plan',
      'print what a step takes of the GPU (its peak, what lives where, pipelines), and stop',
    )
    .option(
      '--save-every <n>',
      'steps between two saves (default: train.iterations)',
      wholeNumber(1),
    )
    .option(
      '--workers <n>',
      'threads that decode and augment faces; 0: no others (default: one fewer than the processor has, 1 to 4)',
      wholeNumber(0, 64),
    )
    .option('--json', 'print the result as JSON')
    .action(run);
}

const say = (line: string): void => console.error(line);

async function run(options: Options): Promise<void> {
  if (options.resume && (options.init || options.plan)) {
    throw new UsageError('--resume goes with neither --init nor --plan');
  }
  const { readManifests } = await import('../node/files/manifest.ts');
  const { validate = [] } = options;
  const folders = [...new Set([...options.data, ...validate])];
  const all = readManifests(folders);
  const items = all.filter(({ folder }) => options.data.includes(folder));
  const validated = all.filter(({ folder }) => validate.includes(folder));
  const given =
    options.config || options.set || !options.resume
      ? loadConfig(options.config ?? 'small', options.set)
      : undefined;
  const { openGpu } = await import('./gpu.ts');
  const gpu = await openGpu();
  if (options.plan) {
    const { planInWords, planStep } = await import('../src/train/step-plan.ts');
    const plan = planStep(gpu, given as Config);
    return console.log(options.json ? JSON.stringify(plan) : planInWords(plan));
  }

  const { trainRun } = await import('../node/train/run.ts');
  const interrupt = listenForInterrupt();
  const result = await trainRun({
    gpu,
    items,
    validated: options.validate ? validated : undefined,
    out: options.out,
    config: given,
    resume: options.resume,
    begin: options.init === undefined ? undefined : beginning(given as Config, options.init, say),
    saveEvery: options.saveEvery,
    workers: options.workers,
    say,
    stop: interrupt.seen,
  }).finally(interrupt.close);
  report(options, result);
  if (!result.finished) process.exitCode = 130;
}

function report(options: Options, result: import('../node/train/run.ts').TrainRunResult): void {
  const { config, last, best, steps, finished } = result;
  const weights = `${options.out}/weights.safetensors`;
  if (options.json) {
    console.log(JSON.stringify({ out: options.out, weights, steps, finished, last, best }));
    return;
  }
  const state = finished ? 'Finished' : 'Stopped and saved';
  console.log(
    `${state} at step ${steps} of ${config.train.iterations * config.train.epochs}` +
      (last
        ? `: loss ${last.total.toFixed(4)} (classes ${last.cls.toFixed(4)}, pairs ` +
          `${last.ls.toFixed(4)}, mask ${last.loc.toFixed(4)})`
        : ''),
  );
  console.log(`Weights: ${weights}`);
  if (best) {
    console.log(
      `Best by validation AUC: ${options.out}/best.safetensors (${best.auc.toFixed(4)}, step ${best.step})`,
    );
  }
  if (!finished) console.log(`Continue with --resume --out ${options.out}`);
}
