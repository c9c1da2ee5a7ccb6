/** A training run in the browser's own files (OPFS): whole at any moment, there after a reload. */
import { LlsmError, messageOf } from '../src/base/errors.ts';
import type { Config } from '../src/config/config.ts';
import { parseConfig } from '../src/config/config.ts';
import type { ManifestItem } from '../src/faces/manifest.ts';
import { parseSafetensors } from '../src/model/safetensors.ts';
import {
  type Journal,
  type Metrics,
  parseState,
  serialiseState,
  type TrainingState,
} from '../src/train/state.ts';

const folderName = 'training';

async function rootFolder(): Promise<FileSystemDirectoryHandle> {
  try {
    return await navigator.storage.getDirectory();
  } catch (error) {
    throw new LlsmError(
      `This browser keeps no files for the page (${messageOf(error)}), as in a private window: open it in an ordinary one`,
    );
  }
}

/** The folder of the run; undefined where there is none. */
async function openFolder(create: boolean): Promise<FileSystemDirectoryHandle | undefined> {
  try {
    return await (await rootFolder()).getDirectoryHandle(folderName, { create });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}

async function readFile(
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<Uint8Array | undefined> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    return new Uint8Array(await file.arrayBuffer());
  } catch (error) {
    if (error instanceof DOMException && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}

/** Writes aside; closing puts the new file in the old one's place. */
async function writeFile(
  folder: FileSystemDirectoryHandle,
  name: string,
  parts: readonly (Uint8Array | string)[],
): Promise<void> {
  try {
    const handle = await folder.getFileHandle(name, { create: true });
    const writable = await handle.createWritable();
    for (const part of parts) await writable.write(part as Uint8Array<ArrayBuffer> | string);
    await writable.close();
  } catch (error) {
    throw new LlsmError(`The browser could not keep ${name}: ${messageOf(error)}`);
  }
}

const parsed = (bytes: Uint8Array | undefined): unknown =>
  bytes && JSON.parse(new TextDecoder().decode(bytes));

/** A run with its faces, its metrics and its state. */
export class StoredRun implements Journal {
  state: TrainingState | undefined;

  private constructor(
    private readonly folder: FileSystemDirectoryHandle,
    readonly config: Config,
    readonly faces: readonly ManifestItem[],
    readonly metrics: Metrics[],
  ) {}

  /** The run that was begun before; undefined where there is none that can be gone on with. */
  static async open(): Promise<StoredRun | undefined> {
    const folder = await openFolder(false);
    if (!folder) return undefined;
    const [config, faces, metrics, state] = await Promise.all(
      ['config.json', 'faces.json', 'metrics.json', 'state.safetensors'].map((name) =>
        readFile(folder, name),
      ),
    );
    if (!config || !faces) return undefined;
    const run = new StoredRun(
      folder,
      parseConfig(parsed(config), 'the kept run'),
      parsed(faces) as ManifestItem[],
      (parsed(metrics) ?? []) as Metrics[],
    );
    if (state) {
      run.state = parseState(parseSafetensors(state, 'the kept run'), 'the kept run', run.config);
    }
    const step = run.state?.counters.step ?? 0;
    // Metrics are kept first: they may reach beyond the state.
    while ((run.metrics.at(-1)?.step ?? 0) > step) run.metrics.pop();
    return run;
  }

  /** Begins a run in place of the one before; `faces` and `config` are written when all is there. */
  static async begin(
    config: Config,
    make: (keep: (name: string, picture: Uint8Array) => Promise<void>) => Promise<ManifestItem[]>,
  ): Promise<StoredRun> {
    await StoredRun.forget();
    const folder = await openFolder(true);
    if (!folder) throw new TypeError('the folder was made');
    const faces = await make((name, picture) => writeFile(folder, name, [picture]));
    await writeFile(folder, 'config.json', [JSON.stringify(config)]);
    await writeFile(folder, 'faces.json', [JSON.stringify(faces)]);
    return new StoredRun(folder, config, faces, []);
  }

  static async forget(): Promise<void> {
    if (await openFolder(false)) {
      await (await rootFolder()).removeEntry(folderName, { recursive: true });
    }
  }

  /** The bytes of a picture of the run. */
  async read(path: string): Promise<Uint8Array> {
    const bytes = await readFile(this.folder, path.split('/').at(-1) as string);
    if (!bytes) throw new LlsmError(`The browser has let go of ${path}: begin a new run`);
    return bytes;
  }

  async save(state: TrainingState): Promise<void> {
    const parts = serialiseState(state);
    await writeFile(this.folder, 'metrics.json', [JSON.stringify(this.metrics)]);
    await writeFile(this.folder, 'state.safetensors', parts);
    this.state = state;
  }

  appendMetrics(metrics: Metrics): void {
    this.metrics.push(metrics);
  }
}
