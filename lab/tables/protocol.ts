/** What a table compares: a protocol, read from JSON (Node only). The paper's are in protocols/. */
import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../node/system/package-root.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { nearest } from '../../src/base/nearest.ts';
import { PRESETS } from '../../src/config/config.ts';
import { readJson } from './json.ts';

const dataSetSchema = z.strictObject({
  title: z.string().min(1),
  /** The command that makes it. */
  make: z.string(),
  /** What its faces have as `dataset` in their manifest. */
  datasets: z.array(z.string()).min(1),
  /** A part of its faces' `video`; absent: any. */
  compression: z.enum(['raw', 'c23', 'c40']).optional(),
  /** The forging methods that count, by their names in the manifest, with their titles; absent: all. */
  methods: z.record(z.string(), z.string()).optional(),
});

export type DataSet = z.output<typeof dataSetSchema>;
export type DataSets = Readonly<Record<string, DataSet>>;

const presetNames = Object.keys(PRESETS);

const rowSchema = z.strictObject({
  /** Needed where there are several, unless `each` names them. */
  name: z.string().default(''),
  /** The data set whose training split is trained on; `tested`: that of the column. */
  train: z.string(),
  /** A row for each of its methods, trained on real faces and this method's. */
  each: z.literal('method').optional(),
  /** The parts of the network (llsm, flm) are those of this preset. */
  preset: z.enum(presetNames as [string, ...string[]]),
});

const columnSchema = z.strictObject({
  /** The data set whose test split is tested on. */
  test: z.string(),
  /** A column for each of its methods. */
  each: z.literal('method').optional(),
});

const measures = ['auc', 'accuracy'] as const;
const percent = z.number().min(0).max(100).nullable();

const paperRowSchema = z.strictObject({
  /** The row of ours that it stands beside; absent: the only one. */
  row: z.string().default(''),
  method: z.string().min(1),
  /** In percent, column by column, each with its measures; null: not given. */
  values: z.array(percent),
  /** As printed, a value a measure. */
  average: z.array(percent).optional(),
});

const protocolSchema = z.strictObject({
  name: z.string().min(1),
  title: z.string(),
  measures: z.array(z.enum(measures)).min(1),
  /** Whether the mean over the columns is shown. */
  average: z.boolean().default(false),
  rows: z.array(rowSchema).min(1),
  columns: z.array(columnSchema).min(1),
  /** What was published, the paper's own method ("Ours") among it. */
  paper: z.array(paperRowSchema).default([]),
  notes: z.array(z.string()).default([]),
});

export type Protocol = z.output<typeof protocolSchema>;
export type Measure = (typeof measures)[number];
export type PaperRow = Protocol['paper'][number];

const folder = (): string => join(packageRoot(), 'protocols');

/** The data sets that protocols name, by key. */
export function loadDataSets(): DataSets {
  const path = join(folder(), 'data-sets.json');
  return readJson(path, z.record(z.string(), dataSetSchema));
}

/**
 * The protocol of a table's name (a file of protocols/) or of a JSON file.
 * @throws LlsmError naming the file and what is wrong in it
 */
export function loadProtocol(nameOrPath: string, dataSets: DataSets): Protocol {
  const own = join(folder(), `${nameOrPath}.json`);
  const path = /^\w+$/.test(nameOrPath) && existsSync(own) ? own : nameOrPath;
  if (path !== own && !existsSync(path)) {
    const known = readdirSync(folder())
      .map((file) => basename(file, '.json'))
      .filter((name) => name !== 'data-sets');
    const meant = nearest(nameOrPath, known);
    throw new LlsmError(
      `${nameOrPath} is neither a table (${known.join(', ')}) nor a protocol's file` +
        `${meant ? `: did you mean ${meant}?` : ''}`,
    );
  }
  const protocol = readJson(path, protocolSchema);
  check(protocol, dataSets, path);
  return protocol;
}

/** What a schema cannot say: names that must be known, and how many values a row has. */
function check({ rows, columns, paper, measures }: Protocol, dataSets: DataSets, path: string) {
  const fail = (message: string): never => {
    throw new LlsmError(`${path}: ${message}`);
  };
  for (const [field, key] of [
    ...rows.map(({ train }, k) => [`rows[${k}].train`, train]),
    ...columns.map(({ test }, k) => [`columns[${k}].test`, test]),
  ]) {
    if (key === 'tested' && field.endsWith('train')) continue;
    if (!Object.hasOwn(dataSets, key)) {
      fail(`${field}: there is no data set "${key}"; known: ${Object.keys(dataSets).join(', ')}`);
    }
  }
  const methodsOf = (key: string) => Object.values(dataSets[key]?.methods ?? {});
  for (const [k, { train, each }] of rows.entries()) {
    if (each && methodsOf(train).length === 0) {
      fail(`rows[${k}].each: the methods of "${train}" are not known`);
    }
  }
  const names = rows.flatMap(({ name, train, each }) => (each ? methodsOf(train) : name));
  const twice = names.find((name, k) => names.indexOf(name) !== k);
  if (twice !== undefined) fail(`rows: two are called "${twice}"`);
  const width = columns.reduce((n, { test, each }) => n + (each ? methodsOf(test).length : 1), 0);
  for (const [k, { row, values, average }] of paper.entries()) {
    if (!names.includes(row)) fail(`paper[${k}].row: there is no row "${row}"`);
    const wanted = width * measures.length;
    if (values.length !== wanted) {
      fail(`paper[${k}].values: ${wanted} are needed, there are ${values.length}`);
    }
    if (average && average.length !== measures.length) {
      fail(`paper[${k}].average: ${measures.length} are needed, there are ${average.length}`);
    }
  }
}
