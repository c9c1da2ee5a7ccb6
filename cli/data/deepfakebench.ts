import type { Command } from 'commander';
import { makeBenchSet } from '../../lab/datasets/deepfakebench.ts';
import type { Split } from '../../src/faces/manifest.ts';
import type { FacePlace } from '../../src/faces/place.ts';
import { parseFaces } from '../arguments.ts';
import { addClipOptions, type ClipSetOptions, splitsOption } from './options.ts';
import { printSet, withProgress } from './summary.ts';

interface Options extends ClipSetOptions {
  faces: FacePlace;
  lists?: string[];
  compression: string;
  splits: Split[];
}

export function register(data: Command): void {
  addClipOptions(data.command('deepfakebench <dir>'))
    .description(
      'Frames that DeepfakeBench has cut and aligned, with its masks and landmarks, from the folder ' +
        'that its lists name them in. A video that they put in several splits is in one: test before ' +
        'val before train. Run again, it continues.',
    )
    .option(
      '--lists <paths...>',
      "rearrange.py's lists or folders of them; default: the .json files of the folder, or of dataset_json/ in it",
    )
    .option('--compression <name>', 'of data sets that have several', 'c23')
    .addOption(splitsOption())
    .option(
      '--faces <how>',
      'whole: they are cut already; centre=F: a centred square of F of the side',
      parseFaces,
      'whole',
    )
    .action(run);
}

async function run(dir: string, options: Options): Promise<void> {
  const { out, json, limit = Number.POSITIVE_INFINITY, lists = [], ...rest } = options;
  const result = await withProgress('videos', options.frames, (progress) =>
    makeBenchSet(dir, out, { ...rest, lists, limit, progress }),
  );
  printSet(out, result, json);
}
