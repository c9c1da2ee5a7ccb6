/** An evaluation as the tables of a model card, in Markdown. Browser-safe. */
import type { ClassMeasures } from '../classification.ts';
import type { Evaluation } from '../evaluate.ts';
import type { Compared } from '../localisation.ts';
import type { Robustness } from '../robustness.ts';

const none = '-';
/** Three decimals, without the zero before them. */
const number = (value: number | undefined): string =>
  value === undefined || Number.isNaN(value) ? none : value.toFixed(3).replace(/^(-?)0\./, '$1.');
const percent = (share: number): string =>
  Number.isNaN(share) ? none : `${(100 * share).toFixed(1)} %`;
const interval = ([low, high]: readonly [number, number]): string =>
  Number.isNaN(low) ? none : `${number(low)} to ${number(high)}`;
const signed = (value: number): string => `${value > 0 ? '+' : ''}${number(value)}`;

/** A table with its head; names stand to the left, numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = `|${head.map((_, k) => (k === 0 ? ' --- |' : ' ---: |')).join('')}`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}

function classTable(what: string, measures: readonly ClassMeasures[]): string {
  return table(
    [what, 'real', 'forged', 'AUC', '95 %', 'found', 'false alarms'],
    measures.map((row) => [
      ...[row.name, `${row.real}`, `${row.forged}`, number(row.auc), interval(row.aucInterval)],
      ...[percent(row.flagged), percent(row.falseAlarms)],
    ]),
  );
}

function degradedTable({ untouched, rows }: Robustness, asItIs: ClassMeasures): string {
  const each = rows.flatMap(({ name, levels, auc, found, falseAlarms }) =>
    levels.map((level, k) => [
      ...[`${name} ${level}`, number(auc[k]), signed(auc[k] - untouched)],
      ...[percent(found[k]), percent(falseAlarms[k])],
    ]),
  );
  return table(
    ['picture', 'AUC', 'change', 'found', 'false alarms'],
    [
      ['as it is', number(untouched), '', percent(asItIs.flagged), percent(asItIs.falseAlarms)],
      ...each,
    ],
  );
}

const compared = ({ value, constant }: Compared): string[] => [number(value), number(constant)];

function maskTable(what: string, masks: Evaluation['masks']): string {
  return table(
    [
      what,
      'faces',
      'IoU',
      'constant',
      '95 %',
      'IoU where found',
      'constant',
      'pixel AUC',
      'constant',
    ],
    masks.map((row) => [
      ...[row.name, `${row.faces}`, ...compared(row.iou), interval(row.iouInterval)],
      ...[...compared(row.iouFlagged), ...compared(row.pixelAucWithReal)],
    ]),
  );
}

/**
 * Tables of faces by method and by what was asked for, degraded pictures, verdicts, masks and pairs.
 * Lines end with a newline.
 */
export function evaluationMarkdown(evaluation: Evaluation, degraded?: Robustness): string {
  const { faces, videos, groups, verdicts, masks, masksBySize, realMasks, pairs } = evaluation;
  const parts = [classTable('faces', faces)];
  if (videos) parts.push(classTable('videos', videos));
  for (const { by, groups: some } of groups) {
    // By method they stand in the first table.
    if (some.length > 0 && by !== 'method') parts.push(classTable(`by ${by}`, some));
  }
  if (degraded) parts.push(degradedTable(degraded, faces[0]));
  if (verdicts) {
    const rows = Object.entries(verdicts).map(([name, shares]) => [
      ...[name, `${shares.faces}`],
      ...[shares.altered, shares.unsure, shares.nothing].map(percent),
    ]);
    const head = ['seen in all views', 'faces', 'altered', 'unsure', 'nothing found'];
    parts.push(table(head, rows));
  }
  if (masks.length > 0) parts.push(maskTable('masks', masks));
  if (masksBySize.length > 1) parts.push(maskTable('masks by size', masksBySize));
  if (realMasks) {
    parts.push(
      `Of ${realMasks.faces} real faces ${percent(realMasks.marked)} of the pixels are called altered; ` +
        `${percent(realMasks.regions)} have a region of more than 1 % of the face crop.`,
    );
  }
  if (pairs.length > 0) {
    const rows = pairs.map((row) => [
      ...[row.name, `${row.faces}`, ...compared(row.auc), number(row.aucAtFixedPairs.value)],
    ]);
    parts.push(table(['pairs', 'faces', 'AUC', 'constant', 'at fixed pairs'], rows));
  }
  return `${parts.join('\n\n')}\n`;
}
