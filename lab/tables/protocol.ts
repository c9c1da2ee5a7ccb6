/** What a table compares: a protocol, read from JSON (Node only). The paper's are in protocols/. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../node/system/package-root.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { nearest } from '../../src/base/nearest.ts';
import { PRESETS, parseConfig } from '../../src/config/config.ts';
import { withValues } from '../../src/config/values.ts';
import { readJson } from './json.ts';

const dataSetSchema = z.strictObject({
  title: z.string().min(1),
  /** The command that makes it. */
  make: z.string(),
  /** What its faces have as `dataset` in their manifest; absent: any faces that are named as it. */
  datasets: z.array(z.string()).min(1).optional(),
  /** A part of its faces' `video`; absent: any. */
  compression: z.enum(['raw', 'c23', 'c40']).optional(),
  /**
   * The forging methods that count, by their names in the manifest, with their titles; absent: all.
   * Without `datasets` they say what is meant, and what the set holds counts.
   */
  methods: z.record(z.string(), z.string()).optional(),
});

export type DataSet = z.output<typeof dataSetSchema>;
export type DataSets = Readonly<Record<string, DataSet>>;

/** Config values by the paths of their keys, as `--set` takes them. */
const valuesSchema = z.record(
  z.string().regex(/^\w+(\.\w+)*$/, 'must be a key of the config, such as train.lr'),
  z.unknown(),
);

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
  /** What else this row changes. */
  set: valuesSchema.default({}),
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
  /**
   * What all rows have, unless they or the command say otherwise: size, width, training. A text is the
   * path of a config's file, from the protocol's own.
   */
  base: z.union([z.string().min(1), valuesSchema]).default({}),
  /** Each row is trained once a seed, and shown as their mean; absent: once, with the config's. */
  seeds: z
    .array(z.int().min(0).max(0xffffffff))
    .min(1)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'has a seed twice')
    .optional(),
  rows: z.array(rowSchema).min(1),
  columns: z.array(columnSchema).min(1),
  /** What was published, the paper's own method ("Ours") among it. */
  paper: z.array(paperRowSchema).default([]),
  notes: z.array(z.string()).default([]),
});

/** A protocol with its base read in. */
export type Protocol = z.output<typeof protocolSchema> & { base: Record<string, unknown> };
export type Measure = (typeof measures)[number];
export type PaperRow = Protocol['paper'][number];

const folder = (): string => join(packageRoot(), 'protocols');

/** The data sets that protocols name, by key. */
export function loadDataSets(): DataSets {
  const path = join(folder(), 'data-sets.json');
  return readJson(path, z.record(z.string(), dataSetSchema));
}

/**
 * The protocol of a table's name (a file of protocols/, such as `IV` or `mini/ablation`) or of a JSON file.
 * @throws LlsmError naming the file and what is wrong in it
 */
export function loadProtocol(nameOrPath: string, dataSets: DataSets): Protocol {
  const own = join(folder(), `${nameOrPath}.json`);
  const path = /^(\w+|\w+\/[\w-]+)$/.test(nameOrPath) && existsSync(own) ? own : nameOrPath;
  if (path !== own && !existsSync(path)) {
    const known = protocolNames();
    const meant = nearest(nameOrPath, known);
    throw new LlsmError(
      `${nameOrPath} is neither a table (${known.join(', ')}) nor a protocol's file` +
        `${meant ? `: did you mean ${meant}?` : ''}`,
    );
  }
  const written = readJson(path, protocolSchema);
  const protocol = { ...written, base: baseOf(written.base, path) };
  check(protocol, dataSets, path);
  checkConfigs(protocol, path);
  return protocol;
}

const baseOf = (base: string | Record<string, unknown>, path: string): Record<string, unknown> =>
  typeof base === 'string' ? readJson(join(dirname(path), base), valuesSchema) : base;

/** The names of the protocols that come with llsm, sorted. */
export const protocolNames = (): string[] =>
  readdirSync(folder(), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.json') && file !== 'data-sets.json')
    .filter((file) => !file.startsWith('configs'))
    .map((file) => file.slice(0, -'.json'.length).split(sep).join('/'))
    .sort();

/** What a row's network is, before what the command says of all. */
function checkConfigs({ base, rows, seeds }: Protocol, path: string) {
  for (const [k, { preset, set }] of rows.entries()) {
    const common = withValues({}, base) as object;
    parseConfig(withValues({ ...common, ...PRESETS[preset] }, set), `${path}: rows[${k}]`);
    if (seeds && Object.hasOwn(set, 'train.seed')) {
      throw new LlsmError(`${path}: rows[${k}].set: train.seed is what "seeds" gives`);
    }
  }
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
