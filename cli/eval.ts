import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { drawPng } from '../node/files/drawing.ts';
import { readBytes } from '../node/files/image.ts';
import { readManifests } from '../node/files/manifest.ts';
import { evaluationRecord, writeEvaluation } from '../node/measure/evaluation-file.ts';
import { video } from '../node/measure/perturb-video.ts';
import { ProgressBars } from '../node/system/progress.ts';
import { makeFolder, writeFileWhole } from '../node/system/write-file.ts';
import { LlsmError, UsageError } from '../src/base/errors.ts';
import { version } from '../src/base/version.ts';
import { type VideoRule, videoRules } from '../src/detect/pooling.ts';
import type { FaceScorer } from '../src/detect/scorer.ts';
import { maskThreshold, thresholdInWords, uncalibrated } from '../src/detect/verdict.ts';
import { viewNames } from '../src/detect/views.ts';
import { countsInWords, type ManifestItem, type Split, splits } from '../src/faces/manifest.ts';
import type { Dtype } from '../src/graph/tensor.ts';
import { type Evaluation, evaluate } from '../src/measure/evaluate.ts';
import { type GroupingName, groupings } from '../src/measure/groups.ts';
import { type Perturbation, perturbations } from '../src/measure/perturbations.ts';
import { evaluationMarkdown } from '../src/measure/report/markdown.ts';
import { camSheet, drawSheetFaces, truthSheet } from '../src/measure/report/sheet.ts';
import { evaluationText, robustnessText } from '../src/measure/report/text.ts';
import { type Robustness, robustness } from '../src/measure/robustness.ts';
import { mapPositions } from '../src/model/llsm/positions.ts';
import { precisionOption, share, wholeNumber } from './arguments.ts';
import { dataInWords, facesOf, openDetector, openWeights } from './faces.ts';

interface Options {
  weights: string;
  config?: string;
  data: string[];
  split: Split;
  prior?: string[];
  threshold?: number;
  maskThreshold?: number;
  perturb?: Perturbation[];
  by?: GroupingName[];
  judge?: true;
  videoScore: VideoRule;
  out?: string;
  cam?: string;
  batch: number;
  precision: Dtype;
  json?: true;
}

/** Of intervals and drawn pairs: the same command gives the same figures. */
const seed = 0;

export function register(program: Command): void {
  program
    .command('eval')
    .description(
      'Measures a network on data that it was not trained on: AUC, AP, EER, accuracy by face and ' +
        "by video; where forged faces have masks, how well it says where, beside a constant predictor's figures.",
    )
    .requiredOption('--weights <file>', 'the checkpoint')
    .option('--config <preset|file>', 'of a checkpoint that carries no config')
    .requiredOption('--data <dir...>', 'folders with a manifest.jsonl')
    .addOption(new Option('--split <name>', 'which faces').choices(splits).default('test'))
    .option(
      '--prior <dir...>',
      'data whose training masks make the constant predictor (default: those of --data)',
    )
    .option('--threshold <p>', "forged at or above it (default: the checkpoint's, or 0.5)", share)
    .option(
      '--mask-threshold <p>',
      "a mask's pixel is altered at or above it (default: the checkpoint's, or 0.5)",
      share,
    )
    .addOption(
      new Option('--video-score <rule>', "how a video's probability comes from its faces'")
        .choices(Object.keys(videoRules))
        .default('mean'),
    )
    .option(
      '--perturb <names>',
      `also measure degraded pictures: all, or of ${everyPerturbation.map(({ name }) => name).join(', ')} (with commas between), each at its five levels or at others: jpeg=50,resize=0.75/0.5`,
      parsePerturbations,
    )
    .option(
      '--by <names>',
      `also measure groups of faces apart: ${Object.keys(groupings).join(', ')} (with commas between)`,
      parseGroupings,
    )
    .option(
      '--judge',
      'also judge each face by all its views, as `detect` does: shares of each verdict',
    )
    .option(
      '--out <dir>',
      'for eval.json, eval.md, scores.csv, reliability.svg, sheet.png (and perturb.svg)',
    )
    .option(
      '--cam <tap>',
      'with --out: also cam.png, where the scores of some faces come from (Grad-CAM) at a feature map',
    )
    .option('--batch <n>', 'faces in one run of the network', wholeNumber(1, 1024), 8)
    .addOption(precisionOption())
    .option('--json', 'print eval.json in place of the tables')
    .action(run);
}

const everyPerturbation = [...perturbations, video];

/** `jpeg,resize=0.5`: a perturbation at its own levels, or at those named, with slashes between. */
function parsePerturbations(text: string): Perturbation[] {
  if (text === 'all') return everyPerturbation;
  return text.split(',').map((given) => {
    const [, name, levels] = /^\s*([^=]*?)\s*(?:=(.*))?$/.exec(given) ?? [];
    const found = everyPerturbation.find((one) => one.name === name);
    if (!found) {
      const names = everyPerturbation.map((one) => one.name).join(', ');
      throw new InvalidArgumentError(`There is no ${name}. Name some of ${names}, or all.`);
    }
    if (levels === undefined) return found;
    const [least, most] = found.range;
    const numbers = levels.split('/').map((level) => {
      const value = level.trim() === '' ? Number.NaN : Number(level);
      if (value >= least && value <= most) return value;
      throw new InvalidArgumentError(
        `${name} has no level ${level}: it takes ${found.unit}, from ${least} to ${most}.`,
      );
    });
    return { ...found, levels: numbers };
  });
}

function parseGroupings(text: string): GroupingName[] {
  const known = Object.keys(groupings) as GroupingName[];
  return text.split(',').map((given) => {
    const found = known.find((name) => name === given.trim());
    if (found) return found;
    throw new InvalidArgumentError(`There is no ${given}. Name some of ${known.join(', ')}.`);
  });
}

async function run(options: Options): Promise<void> {
  const { out, data, split } = options;
  if (out !== undefined && data.some((folder) => resolve(folder) === resolve(out))) {
    throw new UsageError(`--out must be another folder than the data's own (${out})`);
  }
  if (options.cam !== undefined && out === undefined) {
    throw new UsageError('--cam makes a picture: say where with --out');
  }
  const { checkpoint, sha256 } = openWeights(options.weights, options.config);
  const { all, faces } = facesOf(data, split);
  const prior = priorOf(options, all);
  if (out !== undefined) makeFolder(out);

  const { config } = checkpoint;
  const positions = mapPositions(config);
  const located = faces.some(({ mask }) => mask !== null) && (config.flm || positions > 0);
  const { detector, gpu } = await openDetector(checkpoint, {
    batch: Math.min(options.batch, faces.length),
    dissimilarity: located && positions > 0,
    precision: options.precision,
  });
  const said =
    options.threshold === undefined
      ? checkpoint.threshold
      : { value: options.threshold, rule: 'given' };
  const bars = new ProgressBars();
  const evaluation = await evaluate(faces, {
    predictor: detector,
    read: readBytes,
    threshold: said?.value ?? uncalibrated,
    maskThreshold: options.maskThreshold ?? maskThreshold(checkpoint.threshold),
    positions,
    videoRule: options.videoScore,
    prior: located ? prior : undefined,
    by: options.by,
    judged: options.judge && { views: viewNames, threshold: checkpoint.threshold },
    seed,
    onFace: (what, done, total) => bars.update(what, done, total),
  }).finally(() => bars.stop());
  const degraded =
    options.perturb &&
    (await robustness(faces, options.perturb, {
      predictor: detector,
      read: readBytes,
      seed,
      threshold: said?.value ?? uncalibrated,
      untouched: evaluation.faces[0].auc,
      onFace: (done, total) => bars.update('degraded', done, total),
    }).finally(() => bars.stop()));

  const record = evaluationRecord(
    {
      weights: { file: options.weights, sha256, version: checkpoint.version },
      config,
      data: { folders: data, split, faces: faces.length },
      prior: options.prior ?? data,
      threshold: said,
      adapter: gpu.name,
      precision: options.precision,
      seed,
    },
    evaluation,
    degraded,
  );
  if (out !== undefined) {
    writeEvaluation(out, record, evaluation.scores);
    writeFileWhole(join(out, 'eval.md'), [evaluationMarkdown(evaluation, degraded)]);
    // Only here, so that no other evaluation loads the plotting library.
    const plots = await import('../src/measure/report/plots.ts');
    writeFileWhole(join(out, 'reliability.svg'), [plots.reliabilityPlot(evaluation.reliability)]);
    if (degraded) {
      writeFileWhole(join(out, 'perturb.svg'), [plots.robustnessPlot(degraded)]);
    }
    const { cam } = options;
    const batch = Math.min(options.batch, faces.length);
    // Only for the sheets: a backward pass for every face would be slow.
    const { FaceScorer: Mapped } = await import('../src/detect/scorer.ts');
    const mapped =
      cam === undefined ? detector : await Mapped.build(gpu, checkpoint, { batch, cam });
    await writeSheets(out, mapped, faces);
  }
  if (options.json) console.log(JSON.stringify(record));
  else print(options, faces, checkpoint.threshold, evaluation, degraded);
}

/** Writes sheets of some faces, drawn by lot: truth beside prediction, and Grad-CAM where there is any. */
async function writeSheets(out: string, detector: FaceScorer, faces: readonly ManifestItem[]) {
  const drawn = await drawSheetFaces(detector, faces, { read: readBytes, seed });
  writeFileWhole(join(out, 'sheet.png'), [await drawPng(truthSheet(drawn))]);
  if (drawn[0].detection.cam) {
    writeFileWhole(join(out, 'cam.png'), [await drawPng(camSheet(drawn))]);
  }
}

/** The faces whose training masks make the constant predictor. */
function priorOf({ prior }: Options, own: readonly ManifestItem[]): readonly ManifestItem[] {
  if (!prior) return own;
  const items = readManifests(prior);
  if (!items.some(({ split, mask }) => split === 'train' && mask !== null)) {
    throw new LlsmError(
      `${prior.join(', ')}: no forged face with a mask has split "train": the constant predictor ` +
        '(--prior) is made from such',
    );
  }
  return items;
}

function print(
  { weights, data, split, out, threshold: given }: Options,
  faces: readonly ManifestItem[],
  threshold: Parameters<typeof thresholdInWords>[0],
  evaluation: Evaluation,
  degraded?: Robustness,
): void {
  const videos = new Set(faces.map(({ video }) => video)).size;
  const at = given === undefined ? thresholdInWords(threshold) : `${given}, as given`;
  console.log(
    `${weights} on ${dataInWords(data, split)}: ${countsInWords(faces)} of ${videos} videos`,
  );
  console.log(`Forged at a probability of ${at}. llsm ${version}\n`);
  const noMasks = 'the data has no training forgeries with masks (--prior names other data)';
  process.stdout.write(evaluationText(evaluation, noMasks));
  if (degraded) process.stdout.write(`\n${robustnessText(degraded)}`);
  if (out !== undefined) console.log(`\neval.json, scores.csv and pictures are in ${out}.`);
}
