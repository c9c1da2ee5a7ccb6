/** A protocol laid out on the data that is there: rows, columns, what each cell needs (Node only). */
import { createHash } from 'node:crypto';
import { UsageError } from '../../src/base/errors.ts';
import { type Config, PRESETS, parseConfig } from '../../src/config/config.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import { facesIn, fingerprint, type TableData, thin } from './data.ts';
import type { DataSets, Protocol } from './protocol.ts';

/** One network to be trained. Cells, also those of other tables, share it. */
export interface Training {
  /** The name of its folder: what is trained on what, and a hash of all that decides the weights. */
  id: string;
  preset: string;
  config: Config;
  data: TableData;
  /** The only method among its forged faces; absent: all. */
  method?: string;
  /** Faces of the training split, and those of the validation split that pick the best weights. */
  items: ManifestItem[];
  identity: TrainingIdentity;
}

/** What decides the weights, the program's version and the adapter apart. */
export interface TrainingIdentity {
  config: Config;
  /** Fingerprint of the faces. */
  faces: string;
  /** SHA-256 of the weights it begins with; null: drawn from the seed. */
  init: string | null;
}

/** A network on the test split of a data set; each method's figures come out of one pass. */
export interface Test {
  training: Training;
  data: TableData;
  faces: ManifestItem[];
  fingerprint: string;
}

export interface Cell {
  /** What its figures come from; absent where something is missing. */
  test?: Test;
  /** Why there can be no figures. */
  missing?: string;
}

export interface Column {
  title: string;
  data: string;
  /** Of the forged faces, in the manifest's words; absent: all of the data set's. */
  method?: string;
  /** Not of the protocol: asked for with --also. */
  extra: boolean;
}

export interface Row {
  name: string;
  preset: string;
  cells: Cell[];
}

export interface Grid {
  protocol: Protocol;
  columns: Column[];
  rows: Row[];
  /** What the cells need, each once, in the order of the rows. */
  trainings: Training[];
  tests: Test[];
}

export interface GridOptions {
  protocol: Protocol;
  dataSets: DataSets;
  data: ReadonlyMap<string, TableData>;
  /** Names of further data sets to test on. */
  also: readonly string[];
  /** What is not a preset's matter: size, width, training. */
  base: Config;
  /** SHA-256 of the weights to begin with. */
  init: string | null;
  /** At most so many faces are validated on. */
  validated: number;
}

/**
 * Lays the protocol out. Reads the size of each face's file, and no picture.
 * @throws UsageError where further sets are asked for that the protocol has no place for
 */
export function layOut(options: GridOptions): Grid {
  const { protocol, dataSets, data, also } = options;
  /** Each method of a data set, of the one that is there or else of the one that is meant. */
  const methodsOf = (key: string): [name: string, title: string][] => [
    ...(data.get(key)?.methods ?? Object.entries(dataSets[key].methods ?? {})),
  ];
  const titleOf = (key: string) =>
    dataSets[key].title + (data.get(key)?.standIn ? ' (stand-in)' : '');
  const columns: Column[] = [
    ...protocol.columns.flatMap(({ test, each }) =>
      each
        ? methodsOf(test).map(([method, title]) => ({ title, data: test, method, extra: false }))
        : [{ title: titleOf(test), data: test, extra: false }],
    ),
    ...also.map((name) => ({ title: name, data: name, extra: true })),
  ];
  if (also.length > 0 && protocol.rows.some(({ train }) => train === 'tested')) {
    throw new UsageError(
      `${protocol.name} tests each network on the data set it was trained on: --also has no place there`,
    );
  }
  const work = new Work(options);
  const rowOf = (name: string, train: string, preset: string, method?: string): Row => ({
    ...{ name, preset },
    cells: columns.map((column) =>
      work.cell(train === 'tested' ? column.data : train, method, preset, column),
    ),
  });
  const rows = protocol.rows.flatMap(({ name, train, each, preset }) =>
    each
      ? methodsOf(train).map(([method, title]) => rowOf(title, train, preset, method))
      : [rowOf(name, train, preset)],
  );
  const tests = new Set(rows.flatMap(({ cells }) => cells.flatMap(({ test }) => test ?? [])));
  const trainings = new Set([...tests].map(({ training }) => training));
  return { protocol, columns, rows, trainings: [...trainings], tests: [...tests] };
}

/** Makes each training and test once. A string, here and below, says why there is none. */
class Work {
  readonly #trainings = new Map<string, Training | string>();
  readonly #tests = new Map<string, Test>();
  readonly #testFaces = new Map<TableData, Pick<Test, 'faces' | 'fingerprint'>>();

  constructor(private readonly options: GridOptions) {}

  cell(train: string, method: string | undefined, preset: string, column: Column): Cell {
    const [from, on] = [this.#data(train), this.#data(column.data)];
    const absent = new Set([from, on].filter((data) => typeof data === 'string'));
    if (typeof from === 'string' || typeof on === 'string') {
      return { missing: [...absent].join('; ') };
    }
    const training = this.#training(from, method, preset);
    if (typeof training === 'string') return { missing: training };
    const test = this.#test(training, on);
    const lacking = lackingClass(test.faces, column.method);
    return lacking ? { missing: `${on.title} holds no ${lacking} of split "test"` } : { test };
  }

  #data(key: string): TableData | string {
    const { data, dataSets } = this.options;
    const found = data.get(key);
    if (found) return found;
    const { title, make } = dataSets[key];
    return `${title} was not given: make it with \`${make}\` and give SET with --data`;
  }

  #training(data: TableData, method: string | undefined, preset: string): Training | string {
    const name = [data.key, method, preset].filter((part) => part !== undefined).join('-');
    const known = this.#trainings.get(name) ?? this.#newTraining(name, data, method, preset);
    this.#trainings.set(name, known);
    return known;
  }

  #newTraining(
    name: string,
    data: TableData,
    method: string | undefined,
    preset: string,
  ): Training | string {
    const trained = facesIn(data, 'train', method);
    const lacking = lackingClass(trained, method);
    if (lacking) return `${data.title} holds no ${lacking} of split "train"`;
    const { base, init, validated } = this.options;
    const config = parseConfig({ ...base, ...PRESETS[preset] }, `the network ${preset}`);
    const items = [...trained, ...thin(facesIn(data, 'val', method), validated)];
    const identity = { config, faces: fingerprint(items), init };
    const id = `${name.replace(/[^\w.+-]/g, '_')}-${shortHash(identity)}`;
    return { id, preset, config, data, method, items, identity };
  }

  #test(training: Training, data: TableData): Test {
    const name = `${training.id} on ${data.key}`;
    const known = this.#tests.get(name) ?? { training, data, ...this.#facesOf(data) };
    this.#tests.set(name, known);
    return known;
  }

  #facesOf(data: TableData): Pick<Test, 'faces' | 'fingerprint'> {
    let own = this.#testFaces.get(data);
    if (!own) {
      // Masks are not asked for here, so they need not be read either.
      const faces = facesIn(data, 'test').map((face) => ({ ...face, mask: null }));
      own = { faces, fingerprint: fingerprint(faces) };
      this.#testFaces.set(data, own);
    }
    return own;
  }
}

/** What AUC and training both need and is not there. */
function lackingClass(faces: readonly ManifestItem[], method?: string): string | undefined {
  if (!faces.some(({ label }) => label === 0)) return 'real faces';
  const forged = faces.some((face) => face.label === 1 && (!method || face.method === method));
  return forged ? undefined : `forged faces${method ? ` (${method})` : ''}`;
}

/** The first digits of the hash of a JSON value. */
export const shortHash = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 10);
