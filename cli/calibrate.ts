import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { readBytes } from '../node/files/image.ts';
import { Progress } from '../node/system/progress.ts';
import { writeFileWhole } from '../node/system/write-file.ts';
import { meaningInWords, thresholdInWords } from '../src/detect/verdict.ts';
import { countsInWords, type Split, splits } from '../src/faces/manifest.ts';
import { scoreFaces, thresholdFrom } from '../src/measure/calibration.ts';
import { requireEnough, type ThresholdRule } from '../src/measure/threshold.ts';
import { mostErrors } from '../src/measure/unsure.ts';
import { checkpointMetadata } from '../src/model/llsm/checkpoint.ts';
import { withMetadata } from '../src/model/safetensors.ts';
import { wholeNumber } from './arguments.ts';
import { dataInWords, facesOf, openDetector, openWeights } from './faces.ts';

interface Options {
  weights: string;
  config?: string;
  data: string[];
  at: ThresholdRule;
  split?: Split;
  out?: string;
  batch: number;
  json?: true;
}

export function register(program: Command): void {
  program
    .command('calibrate')
    .description(
      'Chooses the probability from which a face is called forged (and that from which a pixel of a ' +
        'mask is called altered, by the best mean IoU) on validation data, measures where verdicts are ' +
        'unsure and how often the others err, and stores all of it in the checkpoint.',
    )
    .requiredOption('--weights <file>', 'the checkpoint')
    .option('--config <preset|file>', 'of a checkpoint that carries no config')
    .requiredOption('--data <dir...>', 'folders with a manifest.jsonl')
    .requiredOption(
      '--at <rule>',
      'eer: equal error rates; fpr=F: at most that share of real faces called forged',
      parseRule,
    )
    .addOption(
      new Option(
        '--split <name>',
        'which faces (default: val; results on the faces of another split are then no fair test)',
      ).choices(splits),
    )
    .option('--out <file>', 'write a copy (default: into --weights itself)')
    .option('--batch <n>', 'faces in one run of the network', wholeNumber(1, 1024), 8)
    .option('--json', 'print the result as JSON')
    .action(run);
}

function parseRule(text: string): ThresholdRule {
  if (text === 'eer') return 'eer';
  const fpr = Number(/^fpr=(\d*\.?\d+(?:e-?\d+)?)$/.exec(text)?.[1]);
  if (!(fpr > 0 && fpr < 1)) {
    throw new InvalidArgumentError('It must be eer, or fpr=F with F above 0 and below 1.');
  }
  return { fpr };
}

/** With fewer, a share of faces is uncertain by 3 points and more. */
const few = 300;

async function run(options: Options): Promise<void> {
  const { weights, data, at, split = 'val', out = weights } = options;
  const { checkpoint } = openWeights(weights, options.config);
  const { faces } = facesOf(data, split);
  const labels = faces.map(({ label }) => label);
  const forged = labels.filter((label) => label === 1).length;
  requireEnough(labels.length - forged, forged, at); // said before the work, not after it
  const { detector, gpu } = await openDetector(checkpoint, {
    batch: Math.min(options.batch, faces.length),
    dissimilarity: false,
  });
  const bar = new Progress({ label: 'faces', total: faces.length });
  const seen = await scoreFaces(faces, detector, readBytes, (done) => bar.update(done)).finally(
    () => bar.stop(),
  );
  const { threshold, found, maskIou } = thresholdFrom(faces, seen, at, dataInWords(data, split));
  writeFileWhole(
    out,
    withMetadata(readFileSync(weights), checkpointMetadata({ ...checkpoint, threshold })),
  );
  if (split !== 'val') {
    console.error(
      `llsm: the threshold was chosen on ${split} faces: results at it on the same faces are better ` +
        'than on new ones',
    );
  }
  if (Math.min(forged, labels.length - forged) < few) {
    console.error(
      `llsm: ${countsInWords(faces)}: with fewer than ${few} of a kind the shares are uncertain by ` +
        'several points',
    );
  }
  if (options.json) {
    console.log(JSON.stringify({ out, threshold, found, maskIou, adapter: gpu.name }));
    return;
  }
  console.log(`${out}: forged at a probability of ${thresholdInWords(threshold)}.`);
  console.log(`There ${Number((100 * found).toPrecision(3))} % of the forged faces are found.`);
  const { from = 0, to = 0 } = threshold.unsure ?? {};
  console.log(
    `Unsure: half of the other views across it, or the mean of all from ${from.toFixed(3)} to ${to.toFixed(3)}, where ` +
      `more than ${100 * mostErrors} % of the verdicts are wrong. ${meaningInWords(threshold)}`,
  );
  if (maskIou !== undefined) {
    console.log(
      `Masks call a pixel altered from ${threshold.mask}: mean IoU ${maskIou.toFixed(3)} there.`,
    );
  }
}
