import type { Command } from 'commander';
import { makeCelebDfSet } from '../../lab/datasets/celebdf.ts';
import type { FacePlace } from '../../src/faces/place.ts';
import { parseFacesOrAuto } from '../arguments.ts';
import { addClipOptions, type ClipSetOptions, withFinder } from './options.ts';
import { printSet, withProgress } from './summary.ts';

interface Options extends ClipSetOptions {
  faces: FacePlace | 'auto';
  list?: string;
}

export function register(data: Command): void {
  addClipOptions(data.command('celebdf <dir>'))
    .description(
      'Celeb-DF-v2: frames of the videos of its test list, which is checked against the folder. ' +
        'Run again, it continues.',
    )
    .option(
      '--faces <how>',
      'auto: found by a network, for a forgery on the frames that it was made from; centre=F: a ' +
        'centred square of F of the shorter side; whole: all of the frame',
      parseFacesOrAuto,
      'auto',
    )
    .option('--list <file>', 'the test list; default: List_of_testing_videos.txt in the folder')
    .action(run);
}

async function run(dir: string, options: Options): Promise<void> {
  const { out, json, limit = Number.POSITIVE_INFINITY, list = null, ...rest } = options;
  const result = await withProgress('videos', options.frames, (progress) =>
    withFinder(rest.faces, (finder) =>
      makeCelebDfSet(dir, out, { ...rest, list, limit, progress, finder }),
    ),
  );
  printSet(out, result, json);
}
