/** Evaluations as tables that a person reads. Browser-safe. */
import type { ClassMeasures } from '../classification.ts';
import type { Evaluation } from '../evaluate.ts';
import type { Compared } from '../localisation.ts';
import type { Robustness } from '../robustness.ts';

/** Text of a number with three decimals; `n/a` for NaN. */
const number = (value: number): string => (Number.isNaN(value) ? 'n/a' : value.toFixed(3));

/** Text of a measure, with the constant predictor's in brackets. */
const compared = ({ value, constant }: Compared): string =>
  constant === undefined ? number(value) : `${number(value)} (${number(constant)})`;

/** Aligns columns of text: the first `left` ones to the left, the rest to the right. */
export function aligned(rows: readonly (readonly string[])[], left = 1): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, k) => (k < left ? cell.padEnd(widths[k]) : cell.padStart(widths[k]))).join('  '),
  );
}

function classTable(unit: string, measures: readonly ClassMeasures[]): string[] {
  const head = ['real', 'forged', 'AUC', '95 % interval', 'AP', 'EER', 'ACC', 'balanced'];
  const rows = measures.map((row) => {
    const [low, high] = row.aucInterval;
    const interval = Number.isNaN(low) ? 'n/a' : `${number(low)} to ${number(high)}`;
    return [
      row.name,
      ...[`${row.real}`, `${row.forged}`, number(row.auc), interval, number(row.ap)],
      ...[number(row.eer), number(row.accuracy), number(row.balancedAccuracy)],
      ...[number(row.flagged), number(row.falseAlarms)],
    ];
  });
  const lines = aligned([[unit, ...head, 'found', 'false alarms'], ...rows]);
  const why = measures.find(({ lacking }) => lacking)?.lacking;
  if (why) lines.push(`n/a: ${why.replaceAll('faces', unit)}`);
  return lines;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function maskTable(title: string, masks: Evaluation['masks']): string[] {
  const head = ['faces', 'IoU', '95 % interval', 'skill', 'F1', 'n found', 'their IoU', 'their F1'];
  const rows = masks.map((row) => {
    const [low, high] = row.iouInterval;
    return [
      ...[row.name, `${row.faces}`, compared(row.iou)],
      Number.isNaN(low) ? 'n/a' : `${number(low)} to ${number(high)}`,
      ...[row.skill ? number(row.skill.iou) : 'n/a', compared(row.f1), `${row.flagged}`],
      ...[compared(row.iouFlagged), compared(row.f1Flagged), compared(row.pixelAuc)],
      ...[compared(row.pixelAucWithReal), compared(row.pixelApWithReal)],
    ];
  });
  return aligned([[title, ...head, 'pixel AUC', '+ real', 'their AP'], ...rows]);
}

/**
 * The measures of an evaluation, one table for faces, videos, masks and pairs each, with what their
 * words mean; lines end with a newline.
 * @param noConstant why there is no constant predictor's measure, where there is none
 */
export function evaluationText(evaluation: Evaluation, noConstant: string): string {
  const { faces, videos, masks, pairs, constant, maskThreshold } = evaluation;
  const { videoRule, verdicts, reliability, masksBySize, realMasks } = evaluation;
  const blocks = [classTable('faces', faces)];
  if (videos) blocks.push(classTable('videos', videos));
  for (const { by, groups, unknown } of evaluation.groups) {
    if (groups.length > 0) blocks.push(classTable(`faces by ${by}`, groups));
    if (unknown > 0)
      blocks.push([`${unknown} forged faces whose manifest does not say their ${by}`]);
  }
  if (verdicts) {
    const rows = Object.entries(verdicts).map(
      ([name, { faces: count, altered, unsure, nothing }]) => [
        ...[name, `${count}`, percent(altered), percent(unsure), percent(nothing)],
      ],
    );
    blocks.push(
      aligned([['verdicts, all views', 'faces', 'altered', 'unsure', 'nothing found'], ...rows]),
    );
  }
  if (masks.length > 0) blocks.push(maskTable('masks', masks));
  if (masksBySize.length > 1) blocks.push(maskTable('masks by size', masksBySize));
  if (realMasks) {
    const { faces, marked, regions } = realMasks;
    blocks.push([
      `Of ${faces} real faces ${percent(marked)} of the pixels are called altered, and ` +
        `${percent(regions)} have a region of more than 1 % of the face crop.`,
    ]);
  }
  if (pairs.length > 0) {
    const head = ['faces', 'AUC', '+ real', 'at fixed pairs', 'pairs'];
    const rows = pairs.map((row) => [
      ...[row.name, `${row.faces}`, compared(row.auc), compared(row.aucWithReal)],
      ...[compared(row.aucAtFixedPairs), `${row.fixedPairs}`],
    ]);
    blocks.push(aligned([['pairs', ...head], ...rows]));
  }
  const notes = ['found, false alarms: shares of the forged and of the real ones called forged.'];
  if (videos)
    notes.push(`videos: by the ${videoRule} of their faces; intervals draw whole videos.`);
  notes.push(
    `A face's probability is off by ${number(reliability.error)} in the mean (expected calibration error).`,
  );
  if (masks.length > 0) {
    notes.push(
      `IoU, F1: masks call a pixel altered from ${maskThreshold}; skill: how much of what a constant ` +
        'leaves is gained, (IoU - constant) / (1 - constant).',
    );
  }
  if (masks.length + pairs.length > 0) {
    notes.push(
      'masks, pairs: forged faces with a mask; "+ real" pools them with the real ones; "at fixed ' +
        'pairs" is the mean of one AUC a pair of positions.',
      constant
        ? `In brackets: the constant predictor, the mean mask (called altered from ${constant.threshold}) ` +
            `and pair map of ${constant.faces} training forgeries, whatever the picture.`
        : `No constant predictor beside them: ${noConstant}.`,
    );
  }
  return [...blocks, notes].map((lines) => lines.map((line) => `${line}\n`).join('')).join('\n');
}

/** Tables of AUC and false alarms by perturbation and level, as a person reads them; lines end with a newline. */
export function robustnessText({ untouched, rows, applied }: Robustness): string {
  const most = Math.max(...rows.map(({ levels }) => levels.length));
  const places = Array.from({ length: most }, (_, k) => k);
  const table = (title: string, of: (row: Robustness['rows'][0]) => (number | undefined)[]) =>
    aligned([
      [title, ...places.map((k) => `${k + 1}`), 'mean', 'levels'],
      ...rows.map((row) => {
        const values = of(row);
        const shown = places.map((k) => (values[k] === undefined ? '' : number(values[k])));
        const given = values.filter((value) => value !== undefined);
        const mean = given.reduce((sum, value) => sum + value, 0) / given.length;
        return [row.name, ...shown, number(mean), row.levels.join(' ')];
      }),
    ]);
  return [
    ...table('AUC of degraded pictures', ({ auc }) => auc),
    '',
    ...table('false alarms', ({ falseAlarms }) => falseAlarms),
    `As they are: ${number(untouched)}. Degraded ${applied}, by level; false alarms at the threshold of the others:`,
    ...rows.map(({ name, unit }) => `  ${name}: ${unit}`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}
