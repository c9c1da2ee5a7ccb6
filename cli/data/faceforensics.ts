import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  type Compression,
  compressions,
  defaultMethods,
  ffpp,
  makeDfdSet,
  makeFfppSet,
} from '../../lab/datasets/faceforensics.ts';
import type { Split } from '../../src/faces/manifest.ts';
import { names } from '../arguments.ts';
import {
  addClipOptions,
  addSplit,
  type ClipSetOptions,
  checkShares,
  parseFramePlace,
  type SplitOptions,
  splitsOption,
  withFinder,
} from './options.ts';
import { printSet, withProgress } from './summary.ts';

const addTreeOptions = (command: Command): Command =>
  addClipOptions(command)
    .addOption(
      new Option('--compression <name>', 'which of the three').choices(compressions).default('c23'),
    )
    .addOption(
      new Option(
        '--faces <how>',
        'auto: found by a network on the frames of the original, so that it and its forgeries are ' +
          'cut alike; of several faces that which was altered; masks=F: a square about the place that a forgery of this very video altered, F times as ' +
          'wide, the same for the original (1.5 holds the head); centre=F: a centred square of F of the shorter side; ' +
          'whole: all of the frame',
      )
        .argParser(parseFramePlace)
        .default('auto'),
    );

interface TreeOptions extends ClipSetOptions {
  compression: Compression;
}

export function register(data: Command): void {
  addTreeOptions(data.command('ffpp <dir>'))
    .description(
      'FaceForensics++: frames and masks of its videos, with the official splits. The folder is the ' +
        'one with original_sequences/ and manipulated_sequences/. Run again, it continues.',
    )
    .addOption(
      new Option('--methods <names>', `with commas between; FaceShifter has no masks`)
        .argParser(parseMethods)
        .default(defaultMethods, defaultMethods.join(',')),
    )
    .addOption(splitsOption())
    .action(runFfpp);
  const command = data
    .command('dfd <dir>')
    .description(
      'DeepFakeDetection, from the same tree as FaceForensics++. It has no official split: all are ' +
        'test unless shares are given; a forgery between two splits is then left out.',
    );
  addSplit(addTreeOptions(command), { val: 'of the actors', test: 'of the actors' }).action(runDfd);
}

function parseMethods(text: string): string[] {
  const given = names(text);
  const unknown = given.find((name) => !ffpp.methods.includes(name));
  if (unknown === undefined) return given;
  const known = ffpp.methods.join(', ');
  throw new InvalidArgumentError(`There is no method "${unknown}". Known: ${known}.`);
}

async function runFfpp(
  dir: string,
  options: TreeOptions & { methods: string[]; splits: Split[] },
): Promise<void> {
  const { out, json, limit = Number.POSITIVE_INFINITY, ...rest } = options;
  const result = await withProgress('videos', options.frames, (progress) =>
    withFinder(rest.faces, (finder) => makeFfppSet(dir, out, { ...rest, limit, progress, finder })),
  );
  printSet(out, result, json);
}

async function runDfd(dir: string, options: TreeOptions & SplitOptions): Promise<void> {
  const { out, json, limit = Number.POSITIVE_INFINITY, valShare, testShare, ...rest } = options;
  const shared = valShare !== undefined || testShare !== undefined;
  const split = shared
    ? checkShares({ val: valShare ?? 0, test: testShare ?? 0 })
    : (options.split ?? 'test');
  const result = await withProgress('videos', options.frames, (progress) =>
    withFinder(rest.faces, (finder) =>
      makeDfdSet(dir, out, { ...rest, split, limit, progress, finder }),
    ),
  );
  printSet(out, result, json);
}
