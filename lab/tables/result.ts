/** The table: the paper's values, ours beside them, and what both hang on (Node only). */
import { join } from 'node:path';
import { writeFileWhole } from '../../node/system/write-file.ts';
import { version } from '../../src/base/version.ts';
import type { CellResult, SeedResult } from './cell.ts';
import type { Figures, Tested, TestOptions } from './figures.ts';
import type { Cell, Column, Grid, Row, Test } from './grid.ts';
import { overPeople } from './people.ts';
import type { PaperRow, Protocol } from './protocol.ts';
import type { Outcome } from './run.ts';
import { meanCells } from './seeds.ts';
import { type DataStamp, dataStamp, type TrainingStamp, trainingStamp } from './stamp.ts';

export interface RowResult {
  name: string;
  preset: string;
  /** In the order of the columns; means where there are seeds. */
  cells: CellResult[];
  /** What each seed gave; absent where the protocol has none. */
  seeds?: SeedResult[];
}

/** The content of table.json. */
export interface TableResult {
  version: string;
  table: string;
  title: string;
  measures: Protocol['measures'];
  average: boolean;
  columns: Column[];
  /** What tells rows apart. */
  rowTitle: 'Trained on' | 'Network';
  rows: RowResult[];
  /** Empty where the columns are other methods than the paper's. */
  paper: PaperRow[];
  videoRule: string;
  trainings: TrainingStamp[];
  /** What was tested on. */
  data: DataStamp[];
  /** Adapters that our figures were computed on. */
  adapters: string[];
  /** What to know of the paper's own values. */
  notes: string[];
}

/** @param outcome empty: what was planned, without figures */
export function tableResult(grid: Grid, outcome: Outcome, { videoRule }: TestOptions): TableResult {
  const { protocol, columns, rows, trainings, tests } = grid;
  const { name: table, title, measures, average, notes } = protocol;
  const byData = new Map(tests.map((test) => [test.data, test.faces]));
  const made = [...outcome.trained.values(), ...outcome.tested.values()];
  return {
    ...{ version, table, title, measures, average, columns },
    rowTitle: tellsData(protocol) ? 'Trained on' : 'Network',
    rows: rowResults(rows, columns, outcome),
    paper: comparable(grid) ? protocol.paper : [],
    videoRule,
    trainings: trainings.map((one) => trainingStamp(one, outcome.trained.get(one))),
    data: [...byData].map(([data, faces]) => dataStamp(data, faces)),
    adapters: [...new Set(made.map(({ adapter }) => adapter))],
    notes,
  };
}

/** Whether rows and columns are those of the paper: methods of other data are others. */
function comparable({ protocol, columns, rows }: Grid): boolean {
  const width = columns.filter(({ extra }) => !extra).length;
  const names = rows.map(({ name }) => name);
  return protocol.paper.every(
    ({ row, values }) => names.includes(row) && values.length === width * protocol.measures.length,
  );
}

/** Whether rows differ in what was trained on. */
const tellsData = ({ rows }: Protocol): boolean =>
  rows.some(({ each }) => each) ||
  new Set(rows.map(({ train, set }) => JSON.stringify([train, set['train.forge.methods']]))).size >
    1;

/** A row for each name: those of several seeds stand together. */
function rowResults(rows: readonly Row[], columns: Column[], outcome: Outcome): RowResult[] {
  const results: RowResult[] = [];
  for (const { name, preset, seed, cells } of rows) {
    const own = cells.map((cell, k) => cellResult(cell, columns[k], outcome));
    const last = results.at(-1);
    if (seed === undefined) results.push({ name, preset, cells: own });
    else if (last?.name === name) last.seeds?.push({ seed, cells: own });
    else results.push({ name, preset, cells: own, seeds: [{ seed, cells: own }] });
  }
  const means = results.map((row) => (row.seeds ? { ...row, cells: meanCells(row.seeds) } : row));
  /** The scores of each of a row's networks; undefined where one is missing. */
  const scoresOf = (name: string, column: number) => {
    const all = rows
      .filter((row) => row.name === name)
      .map(({ cells }) => cells[column].test && outcome.tested.get(cells[column].test)?.scores);
    const some = all.filter((scores) => scores !== undefined);
    return some.length === all.length ? some : undefined;
  };
  return means.map((row, r) => ({
    ...row,
    cells: row.cells.map((cell, k) => {
      const scores = scoresOf(row.name, k);
      if (!scores || !cell.faces || cell.faces.lacking) return cell;
      const first = r > 0 ? scoresOf(means[0].name, k) : undefined;
      const same = first && first[0].length === scores[0].length;
      const other = same ? { row: means[0].name, scores: first } : undefined;
      return { ...cell, people: overPeople(scores, other, columns[k].method) };
    }),
  }));
}

function cellResult({ test, missing }: Cell, column: Column, outcome: Outcome): CellResult {
  if (!test) return { faces: null, videos: null, missing };
  const tested = outcome.tested.get(test);
  const base = { training: test.training.id };
  if (!tested) return { ...base, faces: null, videos: null, missing: whyNot(test, outcome) };
  const faces = figuresOf(tested, column.method);
  const videos = figuresOf({ ...tested, faces: tested.videos ?? [] }, column.method);
  return { ...base, faces, videos, ...(faces?.lacking && { missing: faces.lacking }) };
}

/** Of one method, or of all: these come first. */
function figuresOf({ faces }: Pick<Tested, 'faces'>, method: string | undefined): Figures | null {
  const found = method === undefined ? faces[0] : faces.find(({ name }) => name === method);
  return found ?? null;
}

function whyNot(test: Test, { failed, trained, stopped }: Outcome): string {
  const why = failed.get(test) ?? failed.get(test.training);
  if (why) return why;
  if (stopped === test.training) return 'its training was stopped, and saved';
  return trained.has(test.training) ? 'not tested yet' : 'not trained yet';
}

/** Writes table.json and table.md. @throws LlsmError naming the file that cannot be written */
export function writeTable(out: string, result: TableResult, markdown: string): void {
  writeFileWhole(join(out, 'table.md'), [markdown]);
  writeFileWhole(join(out, 'table.json'), [`${JSON.stringify(result, null, 2)}\n`]);
}
