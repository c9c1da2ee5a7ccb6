/** A table as text and as Markdown. */
import { aligned } from '../../src/measure/report/text.ts';
import type { CellResult } from './cell.ts';
import type { Figures } from './figures.ts';
import { type MissingRow, missingLines } from './missing.ts';
import type { Measure } from './protocol.ts';
import type { RowResult, TableResult } from './result.ts';
import { deviationOf, meanOf } from './seeds.ts';
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

type Level = (cell: CellResult) => Figures | null;

function ourRows({ name, cells, seeds = [] }: RowResult, result: TableResult): string[][] {
  const { columns, measures, average } = result;
  const places = columns.map((_, k) => k);
  const own = places.filter((k) => !columns[k].extra);
  const extra = places.filter((k) => columns[k].extra);
  const row = (
    title: string,
    show: (column: number, measure: Measure) => string,
    mean: (measure: Measure) => string,
  ) => {
    const shown = (some: number[]) =>
      some.flatMap((k) => measures.map((measure) => show(k, measure)));
    return [
      ...(rowsNamed(result) ? [name] : []),
      title,
      ...shown(own),
      ...(average ? measures.map(mean) : []),
      ...shown(extra),
    ];
  };
  const averageOf = (some: readonly CellResult[], of: Level, measure: Measure) =>
    meanOf(own.map((k) => of(some[k])?.[measure]));
  const spread = (of: Level) => {
    const over = (value: (some: readonly CellResult[]) => number | null | undefined) =>
      percent(deviationOf(seeds.map((seed) => value(seed.cells))));
    return row(
      `  SD of ${seeds.length} seeds`,
      (k, measure) => over((some) => of(some[k])?.[measure]),
      (measure) => over((some) => averageOf(some, of, measure)),
    );
  };
  const interval = (of: Level) =>
    row(
      '  95 %',
      (k, measure) => intervalOf(of(cells[k]), measure),
      () => '',
    );
  const overPeople = seeds.length > 0 && cells.some((cell) => cell.people);
  const ofAuc = (show: (cell: CellResult) => string) => (k: number, measure: Measure) =>
    measure === 'auc' ? show(cells[k]) : '';
  const people = () => [
    row(
      '  95 % over people',
      ofAuc(({ people: over }) => rangeOf(over?.interval)),
      () => '',
    ),
    ...(cells.some((cell) => cell.people?.above)
      ? [
          row(
            `  above ${cells.find((cell) => cell.people?.above)?.people?.above?.row}`,
            ofAuc(({ people: over }) => (over?.above ? signed(over.above.value) : '')),
            () => '',
          ),
          row(
            '    95 %',
            ofAuc(({ people: over }) => rangeOf(over?.above?.interval)),
            () => '',
          ),
        ]
      : []),
  ];
  const level = (title: string, of: Level) => [
    row(
      title,
      (k, measure) => percent(of(cells[k])?.[measure]),
      (measure) => percent(averageOf(cells, of, measure)),
    ),
    ...(cells.some((cell) => of(cell)) ? uncertain(of) : []),
  ];
  const uncertain = (of: Level) => {
    if (seeds.length > 1) return [spread(of)];
    return overPeople ? [] : [interval(of)];
  };
  const lines = [...level('here, by face', ({ faces }) => faces), ...(overPeople ? people() : [])];
  const videos = cells.some((cell) => cell.videos !== null);
  return videos ? [...lines, ...level('here, by video', (cell) => cell.videos)] : lines;
}

const rowsNamed = ({ rows }: TableResult): boolean => rows.length > 1;

const rangeOf = (range: readonly [number, number] | undefined): string =>
  range && !Number.isNaN(range[0]) ? `${percent(range[0])} to ${percent(range[1])}` : '';
const signed = (share: number): string => `${share >= 0 ? '+' : ''}${percent(share)}`;

function intervalOf(figures: Figures | null, measure: Measure): string {
  const [low, high] = figures?.aucInterval ?? [null, null];
  return measure === 'auc' && low !== null ? `${percent(low)}-${percent(high)}` : '';
}

const measured = ({ measures }: TableResult): string =>
  measures.map((measure) => titles[measure]).join(' and ');

const titleOf = (result: TableResult): string =>
  `${result.table}. ${result.title}: ${measured(result)} in percent` +
  (result.data.some(({ standIn }) => standIn) ? ' (on other data that stand in)' : '');

const uncertainty = ({ rows }: TableResult): string => {
  const seeds = rows[0].seeds?.length ?? 0;
  if (seeds === 0) return 'intervals by bootstrap over videos';
  const people =
    'intervals by bootstrap over people, whose faces are drawn together; a row is set beside the first by the same draws';
  return seeds === 1
    ? people
    : `each network was trained ${seeds} times, with other seeds: means, and standard deviations (n - 1) over seeds; ${people}, ` +
        "for all seeds' networks at once";
};

/** What stands below the table, a line each. */
export function stampLines(result: TableResult): string[] {
  const { rows, columns, trainings, data, adapters, videoRule, paper, notes, version } = result;
  const lines = [
    `here: llsm ${version}${adapters.length > 0 ? ` on ${adapters.join('; ')}` : ''}; ${uncertainty(result)}; ` +
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
  const each = rows.flatMap(({ name, cells, seeds }): MissingRow[] =>
    seeds ? seeds.map((one) => ({ name, ...one })) : [{ name, cells }],
  );
  lines.push(...missingLines(each, columns));
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
