/** Options that all of `llsm scan` share. */
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { defaultWeights } from '../../node/files/weights.ts';
import type { ScanIdentity } from '../../node/scan/line.ts';
import { allowedPrefix } from '../../node/scan/read.ts';
import { identityOf, type ScanSettings } from '../../node/scan/settings.ts';
import type { Shard } from '../../node/scan/task.ts';
import { everyFrame } from '../../node/scan/worker.ts';
import { LlsmError, UsageError } from '../../src/base/errors.ts';
import type { FacePlace } from '../../src/faces/place.ts';
import type { Dtype } from '../../src/graph/tensor.ts';
import { collect, parseFacesOrAuto, precisionOption, wholeNumber } from '../arguments.ts';

/** What a verdict depends on; a queue is found by it. */
export interface LookOptions {
  weights?: string;
  faces: FacePlace | 'auto';
  finder?: string;
  views: 'all' | 'one';
  precision: Dtype;
  every: number;
}

/** How a process looks at files. */
export interface WorkOptions extends LookOptions {
  batch: number;
  memory: number;
  threads: number;
  tries: number;
  allowUrl?: string[];
}

/** Exit status of a scan that is worth trying again (`EX_TEMPFAIL` of sysexits.h). */
export const tryAgain = 75;

export const addLookOptions = (command: Command): Command =>
  command
    .option('--weights <file>', 'the trained checkpoint (default: the one that comes with llsm)')
    .option(
      '--faces <how>',
      'auto, whole or centre=F, as for `llsm detect`',
      parseFacesOrAuto,
      'auto',
    )
    .option('--finder <file>', 'the network that finds faces')
    .addOption(
      new Option('--views <n>', 'all: each face in five views; one: as it is')
        .choices(['all', 'one'])
        .default('all'),
    )
    .addOption(precisionOption())
    .option('--every <n>', 'of a video, one frame in n is looked at', wholeNumber(1), everyFrame);

export const addWorkOptions = (command: Command): Command =>
  addLookOptions(command)
    .option('--batch <n>', 'views of faces in one run of the network', wholeNumber(1, 1024), 8)
    .option(
      '--memory <MiB>',
      'that files and decoded pictures may take together; one that needs more goes alone',
      wholeNumber(16),
      512,
    )
    .option(
      '--threads <n>',
      'that decode pictures ahead of the GPU',
      wholeNumber(1, 64),
      Math.min(4, Math.max(1, availableParallelism() - 1)),
    )
    .option('--tries <n>', 'of a file that the process died of', wholeNumber(1, 100), 3)
    .option('--allow-url <prefix>', 'files may be URLs that begin so (may be repeated)', collect);

/** The settings of a process that looks at files. @throws UsageError, LlsmError */
export function settingsOf(options: WorkOptions): ScanSettings {
  const { batch, threads, memory, allowUrl = [] } = options;
  return {
    ...lookOf(options),
    batch,
    threads,
    memory: memory * 2 ** 20,
    prefixes: allowUrl.map(allowedPrefix),
  };
}

function lookOf({ weights, faces, finder, views, precision, every }: LookOptions) {
  if (finder !== undefined && faces !== 'auto')
    throw new UsageError('--finder is for --faces auto');
  if (weights !== undefined && !existsSync(weights)) {
    throw new LlsmError(
      `${weights} does not exist: train a network (\`llsm train\`) and name its weights`,
    );
  }
  const path = resolve(weights ?? defaultWeights());
  return { weights: path, faces, finder: finder && resolve(finder), views, precision, every };
}

/** What the lines of a scan with these options are of. @throws UsageError, LlsmError */
export const identityIn = (options: LookOptions): ScanIdentity => identityOf(lookOf(options));

/** Which of several machines' shares: `i/n`. */
export function parseShard(text: string): Shard {
  const [, number, of] = (/^(\d+)\/(\d+)$/.exec(text) ?? []).map(Number);
  if (!(number >= 1 && number <= of)) {
    throw new InvalidArgumentError('It must be i/n, with i from 1 to n.');
  }
  return { number, of };
}
