import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { readCheckpoint, readSafetensors, writeCheckpoint } from '../node/files/checkpoint.ts';
import { loadConfig } from '../node/files/config.ts';
import { Progress } from '../node/system/progress.ts';
import { writeFileWhole } from '../node/system/write-file.ts';
import { LlsmError, UsageError } from '../src/base/errors.ts';
import { version } from '../src/base/version.ts';
import type { Config } from '../src/config/config.ts';
import type { Dtype } from '../src/graph/tensor.ts';
import type { HostTensor } from '../src/model/llsm/checkpoint.ts';
import { leftOut } from '../src/model/llsm/positions.ts';
import { type RunInput, runInput } from '../src/model/llsm/run-input.ts';
import { serialiseSafetensors } from '../src/model/safetensors.ts';
import { names, positiveNumber, precisionOption, wholeNumber } from './arguments.ts';

interface Options {
  weights: string;
  config?: string;
  input: string;
  out: string;
  mode?: 'train' | 'eval';
  grad?: true;
  trainSteps?: number;
  lr?: number;
  save?: string;
  taps?: string[];
  cam?: string;
  precision: Dtype;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('run')
    .description(
      'Runs a network on tensors in a file and writes tensors: to compare with other ' +
        'implementations. All files are safetensors; activations are NHWC, outputs are logits.',
    )
    .requiredOption('--weights <file>', 'the checkpoint')
    .option('--config <preset|file>', 'of a checkpoint that carries no config')
    .requiredOption(
      '--input <file>',
      'image [B,S,S,3] (x / 127.5 - 1); for losses label [B], mask [B,S,S,1], weight [B] (0: mask not known)',
    )
    .requiredOption(
      '--out <file>',
      'logit [B], similarity [B,HW,HW], mask [B,S,S,1], loss [4] (total, cls, ls, loc), grad.NAME, tap.NAME, cam.NAME [B,h,w]',
    )
    .addOption(
      new Option(
        '--mode <mode>',
        "batch norm's statistics: the batch's or the running ones (default: eval)",
      ).choices(['train', 'eval']),
    )
    .option('--grad', 'gradients of every weight; in train mode unless --mode eval is given')
    .option(
      '--train-steps <n>',
      'also do n Adam steps on the batch, in train mode: losses [n,4], row k before update k',
      wholeNumber(1, 1_000_000),
    )
    .option(
      '--lr <x>',
      "the steps' constant learning rate (default: train.lr of the config)",
      positiveNumber,
    )
    .option('--save <file>', 'the checkpoint after the training steps')
    .option(
      '--taps <names>',
      'feature maps, with commas: e1 to e5, block1 to block12, d5 to d1',
      names,
    )
    .option('--cam <tap>', "Grad-CAM of each image's logit at a feature map; in eval mode")
    .addOption(precisionOption())
    .option('--json', 'print the result as JSON')
    .action(run);
}

function checkOptions({ mode, grad, cam, precision, trainSteps, lr, save, ...files }: Options) {
  if (cam !== undefined && (mode === 'train' || trainSteps !== undefined)) {
    throw new UsageError(
      '--cam is of each image by itself, in eval mode: leave --mode train and --train-steps out',
    );
  }
  if (cam !== undefined && grad && mode !== 'eval') {
    throw new UsageError('--grad beside --cam needs --mode eval: Grad-CAM is in that mode');
  }
  if (precision === 'f16' && (mode === 'train' || grad || cam || trainSteps !== undefined)) {
    throw new UsageError(
      '--precision f16 is for eval mode without gradients: leave --mode train, --grad, --cam and ' +
        '--train-steps out',
    );
  }
  if (trainSteps === undefined && lr !== undefined) {
    throw new UsageError('--lr is the rate of --train-steps, which is not given');
  }
  if (trainSteps === undefined && save !== undefined) {
    throw new UsageError('--save writes the weights after --train-steps, which is not given');
  }
  if (trainSteps !== undefined && mode === 'eval') {
    throw new UsageError('--train-steps are done in train mode: leave --mode eval out');
  }
  const read = [files.weights, files.input, files.config ?? ''].map((path) => resolve(path));
  const written = { '--out': files.out, ...(save !== undefined && { '--save': save }) };
  for (const [option, path] of Object.entries(written)) {
    if (read.includes(resolve(path))) {
      throw new UsageError(`${option} ${path} is also read: name another file`);
    }
  }
  if (save !== undefined && resolve(save) === resolve(files.out)) {
    throw new UsageError('--out and --save name the same file');
  }
}

function readInput(path: string, config: Config, { grad, trainSteps }: Options): RunInput {
  const input = runInput(readSafetensors(path).tensors, path, config);
  for (const note of input.notes) console.error(`llsm: ${note}`);
  if (!input.label && (grad || trainSteps !== undefined)) {
    throw new LlsmError(
      `${path}: ${grad ? '--grad' : '--train-steps'} needs the tensor label [B] in it`,
    );
  }
  return input;
}

async function run(options: Options): Promise<void> {
  checkOptions(options);
  const { trainSteps: steps, grad = false, taps = [], cam, precision } = options;
  const given = options.config === undefined ? undefined : loadConfig(options.config);
  const checkpoint = readCheckpoint(options.weights, given);
  const { config } = checkpoint;
  const input = readInput(options.input, config, options);
  const mode = options.mode ?? (grad || steps !== undefined ? 'train' : 'eval');
  const note = leftOut(config);
  if (note) console.error(`llsm: ${note}`);

  const { openGpu } = await import('./gpu.ts');
  const { outputsOf, trainSteps } = await import('../src/model/llsm/run.ts');
  const gpu = await openGpu();
  const out = await outputsOf(gpu, checkpoint, input, { mode, grad, taps, cam, precision });
  if (steps !== undefined) {
    const lr = options.lr ?? config.train.lr;
    const bar = new Progress({ label: 'steps', total: steps, images: input.items });
    const onStep = (done: number) => bar.update(done);
    const { losses, trained } = await trainSteps(gpu, checkpoint, input, {
      steps,
      lr,
      onStep,
    }).finally(() => bar.stop());
    out.set('losses', losses);
    if (options.save !== undefined) writeCheckpoint(options.save, trained);
  }
  const metadata = { 'llsm.mode': mode, 'llsm.version': version };
  writeFileWhole(options.out, serialiseSafetensors(out, metadata));
  print(options, mode, out);
}

function print({ out: path, save, json }: Options, mode: string, out: Map<string, HostTensor>) {
  const loss = out.get('loss')?.data;
  const losses = out.get('losses');
  const totals = losses && Array.from({ length: losses.shape[0] }, (_, k) => losses.data[4 * k]);
  const shapes: Record<string, number[]> = {};
  let gradients = 0;
  for (const [name, { shape }] of out) {
    if (name.startsWith('grad.')) gradients++;
    else shapes[name] = shape;
  }
  if (json) {
    const parts = loss && { total: loss[0], cls: loss[1], ls: loss[2], loc: loss[3] };
    const result = { out: path, mode, shapes, gradients, loss: parts, losses: totals, saved: save };
    console.log(JSON.stringify(result));
    return;
  }
  const written = Object.entries(shapes).map(([name, shape]) => `${name} [${shape.join(', ')}]`);
  if (gradients) written.push(`${gradients} gradients`);
  console.log(`${path}: ${written.join(', ')} (${mode} mode)`);
  if (loss) {
    const [total, cls, ls, loc] = Array.from(loss, (value) => value.toPrecision(6));
    console.log(`loss ${total} (cls ${cls}, ls ${ls}, loc ${loc})`);
  }
  if (totals) {
    const shown = [totals[0], totals[totals.length - 1]].map((value) => value.toPrecision(6));
    console.log(`${totals.length} training steps: loss ${shown.join(' to ')}`);
  }
  if (save !== undefined) console.log(`${save}: the weights after them`);
}
