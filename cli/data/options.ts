/** Options that several of the adapters' commands have. */
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { FramePlace } from '../../node/sets/frames.ts';
import { UsageError } from '../../src/base/errors.ts';
import { type Split, splits } from '../../src/faces/manifest.ts';
import type { FaceFinder } from '../../src/faces/place.ts';
import { names, parseFaces, positiveNumber, share, wholeNumber } from '../arguments.ts';

export interface SplitOptions {
  split?: Split;
  valShare?: number;
  testShare?: number;
  seed: number;
}

/** One split for all, or shares of the people. @param shares what they are by default, in words */
export function addSplit(command: Command, shares: { val: string; test: string }): Command {
  return command
    .addOption(
      new Option('--split <split>', 'one split for all')
        .choices(splits)
        .conflicts(['valShare', 'testShare']),
    )
    .option('--val-share <share>', `part of the people for validation (${shares.val})`, share)
    .option('--test-share <share>', `part of the people for testing (${shares.test})`, share)
    .option('--seed <n>', 'of the split by shares', wholeNumber(0, 0xffffffff), 0);
}

/** @throws UsageError where they are more than all */
export function checkShares<Shares extends { val: number; test: number }>(shares: Shares): Shares {
  if (shares.val + shares.test > 1) throw new UsageError('The shares add up to more than 1.');
  return shares;
}

/** Of a set that has splits of its own. */
export const splitsOption = (): Option =>
  new Option('--splits <names>', 'take these only')
    .argParser(parseSplits)
    .default(splits, splits.join(','));

function parseSplits(text: string): Split[] {
  const given = names(text);
  const unknown = given.find((name) => !splits.some((split) => split === name));
  if (unknown !== undefined) {
    throw new InvalidArgumentError(`"${unknown}" is none of ${splits.join(', ')}.`);
  }
  return splits.filter((split) => given.includes(split));
}

/**
 * Runs with the finder that `--faces auto` needs, and without one for any other place.
 * @throws LlsmError where there is no adapter or no finder
 */
export async function withFinder<Result>(
  faces: FramePlace,
  make: (finder: FaceFinder | undefined) => Promise<Result>,
): Promise<Result> {
  if (faces !== 'auto') return make(undefined);
  const [{ openGpu }, { loadFinder }] = await Promise.all([
    import('../gpu.ts'),
    import('../../node/files/finder.ts'),
  ]);
  const finder = await loadFinder(await openGpu());
  return make(finder).finally(() => finder.dispose());
}

export interface ClipSetOptions {
  out: string;
  frames: number;
  size: number;
  faces: FramePlace;
  maskThreshold: number;
  limit?: number;
  workers: number;
  json?: true;
}

/** What every command has that takes frames of videos, but for `--faces`. */
export const addClipOptions = (command: Command): Command =>
  command
    .requiredOption('--out <dir>', 'the data set: manifest.jsonl, images/, masks/')
    .option('--frames <n>', 'frames of a video, evenly over all of it', wholeNumber(1, 10000), 32)
    .option('--size <n>', 'side of the crops that are written', wholeNumber(32, 1024), 256)
    .option(
      '--mask-threshold <n>',
      'a mask above this grey is altered: lossy compression leaves noise in the black',
      wholeNumber(0, 254),
      31,
    )
    .option('--limit <n>', 'the first n videos of each method, to try out', wholeNumber(1))
    .option(
      '--workers <n>',
      'threads that make faces, each with an ffmpeg',
      wholeNumber(0, 1024),
      availableParallelism(),
    )
    .option('--json', 'print the result as JSON');

/** `auto`, `whole`, `centre=F` or `masks=F`. */
export function parseFramePlace(text: string): FramePlace {
  if (text === 'auto') return text;
  const factor = /^masks=(.+)$/.exec(text)?.[1];
  if (factor === undefined) return parseFaces(text);
  const masks = positiveNumber(factor);
  if (masks < 1 || masks > 10) throw new InvalidArgumentError('masks=F needs an F from 1 to 10.');
  return { masks };
}
