/** What the demo's report says. */
import type { evaluationRecord } from '../../node/measure/evaluation-file.ts';
import { version } from '../../src/base/version.ts';
import { scope, thresholdInWords } from '../../src/detect/verdict.ts';
import { decimals, type Report } from '../../src/measure/report/report.ts';
import type { Threshold } from '../../src/model/llsm/checkpoint.ts';
import type { SplitCounts } from './data.ts';
import { type Demo, targetAuc } from './folder.ts';

export interface DemoResult {
  people: number;
  minutes: number;
  training: NonNullable<Demo['training']>;
  counts: readonly SplitCounts[];
  record: ReturnType<typeof evaluationRecord>;
  threshold: Threshold | undefined;
  sheet: Uint8Array;
  /** SVG elements. */
  curves: string;
  parameters: number;
  /** Seconds of each stage in this session. */
  seconds: readonly (readonly [stage: string, seconds: number])[];
  /** Processor, system and Node. */
  machine: string;
  /** Relative, as it was given. */
  out: string;
  seed: number;
}

const minutes = (seconds: number): string =>
  seconds < 90 ? `${Math.round(seconds)} s` : `${(seconds / 60).toFixed(1)} min`;

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** Why training ended, as a sentence. */
export function whyStopped({ training, minutes: limit }: Pick<DemoResult, 'training' | 'minutes'>) {
  const { best, stopped } = training;
  const reached = best
    ? `, at a validation AUC of ${decimals(best.auc)}`
    : ', before any validation';
  switch (stopped) {
    case 'auc':
      return `It stopped because its validation AUC reached ${targetAuc}${reached}.`;
    case 'minutes':
      return `It stopped because the time was over (--minutes ${limit})${reached}; ${targetAuc} was not reached.`;
    case 'steps':
      return `It stopped at its last planned step${reached}; ${targetAuc} was not reached.`;
    default:
      return `It was interrupted${reached}.`;
  }
}

/** The same demo again. */
export const commandOf = ({
  minutes: limit,
  people,
  seed,
  out,
}: Pick<DemoResult, 'minutes' | 'people' | 'seed' | 'out'>): string =>
  `node bin/llsm.js demo --people ${people} --seed ${seed} --minutes ${limit} --out ${quoted(out)}`;

const quoted = (path: string): string =>
  /^[\w./:\\-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

function doneInWords(result: DemoResult): string[] {
  const { people, training, record, counts } = result;
  const { size, width, train } = record.config;
  const [, , test] = counts;
  return [
    `${people} people who do not exist were drawn from numbers, and forgeries were made from their ` +
      'portraits in three ways: self-blend (a face blended with a slightly changed copy of ' +
      "itself), swap (another person's face laid over it) and parts (another person's eyes, nose " +
      'or mouth). Each forgery comes with a mask of what was altered and with a real picture that ' +
      'went through the same blur, noise and compression. The swaps and parts are careless ones (a ' +
      'hard edge, colours hardly matched, any other person), so that minutes are enough to learn ' +
      'something; llsm forge makes careful ones, which are much harder.',
    `A small network (${size} x ${size} pixels, ${width} of the width, ` +
      `${result.parameters.toLocaleString('en')} parameters) was trained from nothing on this ` +
      `machine for ${minutes(training.seconds)}: ${training.steps} steps of ${train.batch} faces. ` +
      whyStopped(result),
    `Then it was tested on ${record.data.faces} faces of ${test.people} people whom it had never ` +
      'seen, with the weights that had done best on the validation people and thresholds (of the ' +
      'verdict and of the masks) chosen on those.',
  ];
}

function meaningInWords({ record }: DemoResult): string[] {
  const [all] = record.faces;
  const [masks] = record.masks;
  const [pairs] = record.pairs;
  const lines = [
    `Given a forged face and a real one, the network gives the forged one the higher probability ` +
      `in ${percent(all.auc)} of cases (guessing: 50 %). At its threshold it finds ` +
      `${percent(all.flagged)} of the forged faces and calls ${percent(all.falseAlarms)} of the ` +
      'real ones forged.',
  ];
  const adds = (what: string, { value, constant }: { value: number; constant?: number }) => {
    if (constant === undefined || Number.isNaN(value)) return;
    const verdict =
      value > constant
        ? 'so it looks at the picture'
        : 'so in this it does no better than one that never looked at the picture';
    lines.push(
      `${what}: ${decimals(value)}, where a predictor that shows the same map for every face ` +
        `reaches ${decimals(constant)}, ${verdict}.`,
    );
  };
  if (masks) {
    adds('Overlap of predicted and true masks (IoU)', masks.iou);
    adds('Pixel AUC, real faces among them', masks.pixelAucWithReal);
  }
  if (pairs) {
    adds('AUC of pairs of positions, real faces among them', pairs.aucWithReal);
    adds('AUC of the faces at one pair of positions', pairs.aucAtFixedPairs);
  }
  return [
    ...lines,
    scope,
    'The people are drawings, not photographs. How well such a network does on photographs these ' +
      'figures do not say, and the weights made here are of no use on photographs. For that, make ' +
      'data from photographs (llsm data, llsm forge) and train on it (llsm train).',
    'A few minutes on one machine show the whole chain at work. Published detectors are trained ' +
      'for hours on GPUs, from weights that have seen a million photographs.',
  ];
}

/** Everything that the report shows. */
export function demoReport(result: DemoResult): Report {
  const { record, counts, training, threshold } = result;
  const [all] = record.faces;
  const [masks] = record.masks;
  const [pairs] = record.pairs;
  const beside = (constant: number | undefined) =>
    constant === undefined ? undefined : `constant predictor: ${decimals(constant)}`;
  const methods = Object.keys(counts[0].forged);
  const names = { train: 'training', val: 'validation', test: 'test' };
  return {
    title: 'LLSM demo: forged faces, found and located',
    headline: [
      {
        name: 'Test AUC, people never seen',
        value: decimals(all.auc),
        note: `95 %: ${decimals(all.aucInterval[0])} to ${decimals(all.aucInterval[1])}`,
      },
      {
        name: 'Forged faces found',
        value: percent(all.flagged),
        note: `at ${percent(all.falseAlarms)} false alarms`,
      },
      ...(masks
        ? [{ name: 'Mask IoU', value: decimals(masks.iou.value), note: beside(masks.iou.constant) }]
        : []),
      ...(pairs
        ? [
            {
              name: 'LSM pair AUC',
              value: decimals(pairs.auc.value),
              note: beside(pairs.auc.constant),
            },
          ]
        : []),
    ],
    done: doneInWords(result),
    data: [
      ['split', 'people', 'real faces', ...methods],
      ...counts.map(({ split, people, real, forged }) => [
        names[split],
        String(people),
        String(real),
        ...methods.map((method) => String(forged[method])),
      ]),
    ],
    dataNotes: [
      'No person is in two splits, and a swapped face or part comes from the same split.',
    ],
    curves: result.curves,
    curvesNotes: [`${whyStopped(result)} The shaded band is the range over the steps of a point.`],
    evaluation: record,
    threshold: thresholdInWords(threshold),
    sheet: {
      file: result.sheet,
      alt:
        'A column a face, with its probability of being forged; below it the true and the ' +
        'predicted mask, the true and the predicted local similarity map.',
      caption:
        'Test faces drawn by lot, not chosen. Masks: white = altered. Local similarity maps ' +
        '(LSM): row i, column j compares two positions of the face; yellow (1) = dissimilar, from ' +
        'different sources; dark (0) = the same source. Where nothing was altered, nothing differs.',
    },
    meaning: meaningInWords(result),
    commands: [
      'npm ci',
      commandOf(result),
      `node bin/llsm.js eval --weights ${quoted(`${result.out}/weights.safetensors`)} --data ${quoted(`${result.out}/faces`)}`,
    ],
    facts: [
      ['Adapter', record.adapter],
      ['Machine', result.machine],
      ['llsm', version],
      ...result.seconds.map(([stage, s]) => [`Time: ${stage}`, minutes(s)] as const),
      ['Training, all sessions', minutes(training.seconds)],
      ['Seed', String(result.seed)],
      ['Weights (SHA-256)', record.weights.sha256],
    ],
  };
}
