/** A protocol laid out on the data that is there: rows, columns, what each cell needs (Node only). */
import { createHash } from 'node:crypto';
import { UsageError } from '../../src/base/errors.ts';
import { type Config, PRESETS, parseConfig } from '../../src/config/config.ts';
import { withValues } from '../../src/config/values.ts';
import type { ManifestItem } from '../../src/faces/manifest.ts';
import { facesIn, fingerprint, type TableData, thin } from './data.ts';
import type { DataSets, Protocol } from './protocol.ts';

/** One network to be trained. Cells, also those of other tables, share it. */
export interface Training {
  /** The name of its folder: what is trained on what, and a hash of all that decides the weights. */
  id: string;
  preset: string;
  config: Config;
  /** What its row sets, and its seed where there are several: `key value` each. */
  changes: string[];
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
  /** Where the protocol has seeds: a row of it is one here for each. */
  seed?: number;
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
  const rowsOf = (name: string, train: string, network: Network, method?: string): Row[] =>
    (protocol.seeds ?? [undefined]).map((seed) => ({
      ...{ name, preset: network.preset, ...(seed !== undefined && { seed }) },
      cells: columns.map((column) =>
        work.cell(train === 'tested' ? column.data : train, method, { ...network, seed }, column),
      ),
    }));
  const rows = protocol.rows.flatMap(({ name, train, each, preset, set }) =>
    each
      ? methodsOf(train).flatMap(([method, title]) => rowsOf(title, train, { preset, set }, method))
      : rowsOf(name, train, { preset, set }),
  );
  const tests = new Set(rows.flatMap(({ cells }) => cells.flatMap(({ test }) => test ?? [])));
  const trainings = new Set([...tests].map(({ training }) => training));
  return { protocol, columns, rows, trainings: [...trainings], tests: [...tests] };
}

interface TrainingFaces {
  items: ManifestItem[];
  fingerprint: string;
}

/** What a row says of its network. */
interface Network {
  preset: string;
  set: Readonly<Record<string, unknown>>;
  seed?: number;
}

/** Makes each training and test once. A string, here and below, says why there is none. */
class Work {
  readonly #trainings = new Map<string, Training | string>();
  readonly #trained = new Map<string, TrainingFaces | string>();
  readonly #tests = new Map<string, Test>();
  readonly #testFaces = new Map<TableData, Pick<Test, 'faces' | 'fingerprint'>>();

  constructor(private readonly options: GridOptions) {}

  cell(train: string, method: string | undefined, network: Network, column: Column): Cell {
    const [from, on] = [this.#data(train), this.#data(column.data)];
    const absent = new Set([from, on].filter((data) => typeof data === 'string'));
    if (typeof from === 'string' || typeof on === 'string') {
      return { missing: [...absent].join('; ') };
    }
    const training = this.#training(from, method, network);
    if (typeof training === 'string') return { missing: training };
    const test = this.#test(training, on);
    const lacking = lackingClass(test.faces, column.method);
    return lacking ? { missing: `${on.title} holds no ${lacking} of split "test"` } : { test };
  }

  #data(key: string): TableData | string {
    const { data, dataSets } = this.options;
    const found = data.get(key);
    if (found) return found;
    const { title, make, datasets } = dataSets[key];
    const given = datasets ? '--data' : `--data ${key}=SET`;
    return `${title} was not given: make it with \`${make}\` and give SET with ${given}`;
  }

  #training(data: TableData, method: string | undefined, network: Network): Training | string {
    const key = JSON.stringify([data.key, method, network]);
    const known = this.#trainings.get(key) ?? this.#newTraining(data, method, network);
    this.#trainings.set(key, known);
    return known;
  }

  #newTraining(
    data: TableData,
    method: string | undefined,
    { preset, set, seed }: Network,
  ): Training | string {
    const { base, init, protocol } = this.options;
    const values = { ...set, ...(seed !== undefined && { 'train.seed': seed }) };
    const written = withValues({ ...base, ...PRESETS[preset] }, values);
    const config = parseConfig(written, `the network ${preset}`);
    const faces = this.#trainingFaces(data, method, config.train.forge !== false);
    if (typeof faces === 'string') return faces;
    const identity = { config, faces: faces.fingerprint, init };
    const name = [data.key, method, preset].filter((part) => part !== undefined).join('-');
    const id = `${name.replace(/[^\w.+-]/g, '_')}-${shortHash(identity)}`;
    // Rows that come to the same network share it.
    const same = [...this.#trainings.values()].find(
      (one) => typeof one !== 'string' && one.id === id,
    );
    if (same) return same;
    const changes = [
      ...Object.entries(set).map(([path, value]) => `${path} ${JSON.stringify(value)}`),
      ...(protocol.seeds ? [`seed ${seed}`] : []),
    ];
    return { id, preset, config, changes, data, method, items: faces.items, identity };
  }

  #trainingFaces(data: TableData, method: string | undefined, forging: boolean) {
    const key = JSON.stringify([data.key, method, forging]);
    const known = this.#trained.get(key) ?? this.#newTrainingFaces(data, method, forging);
    this.#trained.set(key, known);
    return known;
  }

  /** @param forging whether training makes its own forgeries: then it begins from real faces alone */
  #newTrainingFaces(
    data: TableData,
    method: string | undefined,
    forging: boolean,
  ): TrainingFaces | string {
    const all = facesIn(data, 'train', method);
    const trained = forging ? all.filter(({ label }) => label === 0) : all;
    const lacking = forging && trained.length > 0 ? undefined : lackingClass(trained, method);
    if (lacking) return `${data.title} holds no ${lacking} of split "train"`;
    const validated = thin(facesIn(data, 'val', method), this.options.validated);
    // Faces of one class cannot say which weights are best.
    const items = [...trained, ...(lackingClass(validated, method) ? [] : validated)];
    return { items, fingerprint: fingerprint(items) };
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
