/** A table as text and as Markdown. */
import { aligned } from '../../src/measure/report/text.ts';
import type { Figures } from './figures.ts';
import { missingLines } from './missing.ts';
import type { Measure } from './protocol.ts';
import type { CellResult, RowResult, TableResult } from './result.ts';
import { dataInWords, trainingsInWords } from './stamp.ts';

const titles: Record<Measure, string> = { auc: 'AUC', accuracy: 'ACC' };

/** What is not there. */
const none = '-';
const percent = (share: number | null | undefined): string =>
  share === null || share === undefined ? none : (100 * share).toFixed(2);
const printed = (value: number | null): string => (value === null ? none : value.toFixed(2));

/** The head and all rows, as texts; the paper's rows stand before ours of the same name. */
export function tableRows(result: TableResult): string[][] {
  const { columns, measures, average, rows, paper } = result;
  const named = rowsNamed(result);
  const own = columns.filter(({ extra }) => !extra);
  const extra = columns.filter((column) => column.extra);
  const titled = (title: string) =>
    measures.length > 1 ? measures.map((measure) => `${title} ${titles[measure]}`) : [title];
  const head = [
    ...(named ? [result.rowTitle] : []),
    'Method',
    ...own.flatMap(({ title }) => titled(title)),
    ...(average ? titled('Avg') : []),
    ...extra.flatMap(({ title }) => titled(title)),
  ];
  const paperRows = (name: string) =>
    paper
      .filter(({ row }) => row === name)
      .map(({ method, values, average: mean }) => [
        ...(named ? [name] : []),
        method === 'Ours' ? 'the paper' : method,
        ...values.map(printed),
        ...(average ? measures.map((_, k) => printed(mean?.[k] ?? null)) : []),
        ...extra.flatMap(() => measures.map(() => '')),
      ]);
  return [head, ...rows.flatMap((row) => [...paperRows(row.name), ...ourRows(row, result)])];
}

function ourRows({ name, cells }: RowResult, result: TableResult): string[][] {
  const { columns, measures, average } = result;
  const own = cells.filter((_, k) => !columns[k].extra);
  const extra = cells.filter((_, k) => columns[k].extra);
  const row = (
    title: string,
    of: (cell: CellResult) => Figures | null,
    show: (figures: Figures | null, measure: Measure) => string,
    mean: (measure: Measure) => string,
  ) => {
    const shown = (some: CellResult[]) =>
      some.flatMap((cell) => measures.map((measure) => show(of(cell), measure)));
    return [
      ...(rowsNamed(result) ? [name] : []),
      title,
      ...shown(own),
      ...(average ? measures.map(mean) : []),
      ...shown(extra),
    ];
  };
  const level = (title: string, of: (cell: CellResult) => Figures | null) => [
    row(
      title,
      of,
      (figures, measure) => percent(figures?.[measure]),
      (measure) => percent(meanOf(own.map((cell) => of(cell)?.[measure] ?? null))),
    ),
    ...(cells.some((cell) => of(cell)) ? [row('  95 %', of, intervalOf, () => '')] : []),
  ];
  const lines = level('here, by face', ({ faces }) => faces);
  const videos = cells.some((cell) => cell.videos !== null);
  return videos ? [...lines, ...level('here, by video', (cell) => cell.videos)] : lines;
}

const rowsNamed = ({ rows }: TableResult): boolean => rows.length > 1;

/** Null where one is missing. */
function meanOf(values: readonly (number | null)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null) return null;
    sum += value;
  }
  return sum / values.length;
}

function intervalOf(figures: Figures | null, measure: Measure): string {
  const [low, high] = figures?.aucInterval ?? [null, null];
  return measure === 'auc' && low !== null ? `${percent(low)}-${percent(high)}` : '';
}

const measured = ({ measures }: TableResult): string =>
  measures.map((measure) => titles[measure]).join(' and ');

const titleOf = (result: TableResult): string =>
  `${result.table}. ${result.title}: ${measured(result)} in percent` +
  (result.data.some(({ standIn }) => standIn) ? ' (on other data that stand in)' : '');

/** What stands below the table, a line each. */
export function stampLines(result: TableResult): string[] {
  const { rows, columns, trainings, data, adapters, videoRule, paper, notes, version } = result;
  const lines = [
    `here: llsm ${version}${adapters.length > 0 ? ` on ${adapters.join('; ')}` : ''}; intervals by bootstrap over videos; ` +
      `a video's probability is the ${videoRule} of its faces'${result.measures.includes('accuracy') ? '; ACC at a probability of 0.5' : ''}.`,
    'The paper says neither whether its figures are by face or by video, nor how many frames of a video ' +
      'were taken, how faces were cut out, for how long was trained, nor alpha, beta and the tap of the LLSM.',
    ...trainingsInWords(trainings),
    ...data.map((one) => `Tested on ${dataInWords(one)}`),
  ];
  if (!rows.some(({ cells }) => cells.some(({ videos }) => videos))) {
    if (rows.some(({ cells }) => cells.some(({ faces }) => faces))) {
      lines.push('By video: nothing, for no video has two faces.');
    }
  }
  if (paper.length === 0) {
    lines.push("The paper's values are left out: these rows and columns are not its own.");
  } else lines.push(...notes);
  lines.push(...missingLines(rows, columns));
  return lines;
}

/** Lines end with a newline. */
export function tableText(result: TableResult): string {
  const lines = [
    titleOf(result),
    '',
    ...aligned(tableRows(result), rowsNamed(result) ? 2 : 1),
    '',
    ...stampLines(result),
  ];
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** A heading, the table, and the notes as a list. */
export function tableMarkdown(result: TableResult): string {
  const escaped = (cell: string) => cell.trim().replaceAll('|', '\\|');
  const [head, ...rows] = tableRows(result).map((row) => `| ${row.map(escaped).join(' | ')} |`);
  const columns = head.split(' | ').length;
  const rule = `|${' --- |'.repeat(columns)}`;
  const notes = stampLines(result).map((line) => `- ${line.replaceAll('\n', ' ')}`);
  return `## ${titleOf(result)}\n\n${[head, rule, ...rows].join('\n')}\n\n${notes.join('\n')}\n`;
}
