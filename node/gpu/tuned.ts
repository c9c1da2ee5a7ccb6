/** What `bench --tune` measured, kept from one process to the next (Node only). */
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import envPaths from 'env-paths';
import { z } from 'zod';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { problemsOf } from '../../src/base/problems.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { menuVersion } from '../../src/kernels/conv/version.ts';
import { writeFileWhole } from '../system/write-file.ts';
import { openNodeGpu } from './open.ts';

const entrySchema = z.strictObject({
  /** The version of the kernels that were measured. */
  kernels: z.string(),
  date: z.iso.datetime(),
  /** Names of forms, by what they were chosen for. */
  forms: z.record(z.string(), z.string()),
});

const cacheSchema = z.strictObject({
  format: z.literal(1),
  adapters: z.record(z.string(), entrySchema),
});

type Cache = z.output<typeof cacheSchema>;

/** The file: in LLSM_CACHE where that is set, else where this system's user keeps caches. */
export const tunedFile = (): string =>
  join(process.env.LLSM_CACHE || envPaths('llsm', { suffix: '' }).cache, 'tuned.json');

/** Adapter and driver, as far as WebGPU tells: what is measured on one says nothing of others. */
function adapterKey({ device }: Pick<Gpu, 'device'>): string {
  const { vendor, architecture, device: model, description } = device.adapterInfo;
  return [vendor, architecture, model, description].join(' | ');
}

export interface Tuned {
  forms: Map<string, string>;
  /** Why a file that is there does not count, and what to do. */
  note?: string;
}

/**
 * The forms that were measured on this adapter with these kernels; none where nothing was. A file
 * that is broken or of other kernels is as good as none.
 */
export function readTuned(gpu: Pick<Gpu, 'device'>, kernels: string): Tuned {
  const file = tunedFile();
  let cache: Cache | undefined;
  try {
    cache = readCache(file);
  } catch (error) {
    return { forms: new Map(), note: `${messageOf(error)}; ${again}` };
  }
  const entry = cache?.adapters[adapterKey(gpu)];
  if (!entry) return { forms: new Map() };
  if (entry.kernels !== kernels) {
    const note = `${file}: measured on ${entry.date} with kernels that have changed since; ${again}`;
    return { forms: new Map(), note };
  }
  return { forms: new Map(Object.entries(entry.forms)) };
}

const again = 'it is ignored (`llsm bench --tune` measures again)';

/**
 * Keeps forms for this adapter, beside those of other shapes and other adapters.
 * @returns the file
 * @throws LlsmError where it cannot be written
 */
export function writeTuned(
  gpu: Pick<Gpu, 'device'>,
  kernels: string,
  forms: ReadonlyMap<string, string>,
): string {
  const file = tunedFile();
  let cache: Cache | undefined;
  try {
    cache = readCache(file);
  } catch {
    // Whoever reads it has been told.
  }
  const key = adapterKey(gpu);
  const known = cache?.adapters[key];
  const kept = known?.kernels === kernels ? known.forms : {};
  const entry = {
    kernels,
    date: new Date().toISOString(),
    forms: { ...kept, ...Object.fromEntries(forms) },
  };
  const written: Cache = { format: 1, adapters: { ...cache?.adapters, [key]: entry } };
  try {
    mkdirSync(dirname(file), { recursive: true });
  } catch (error) {
    throw new LlsmError(
      `${dirname(file)} cannot be made (${messageOf(error)}): set LLSM_CACHE to a folder that can`,
    );
  }
  writeFileWhole(file, [`${JSON.stringify(written, undefined, 2)}\n`]);
  return file;
}

/**
 * Opens Dawn's adapter, with the forms of kernels that `llsm bench --tune` found best on it.
 * @param say receives why a file of forms that is there does not count
 * @param toggles as of `openNodeGpu`
 */
export async function openTunedGpu(
  say: (note: string) => void,
  toggles: readonly string[] = [],
): Promise<Gpu> {
  const gpu = await openNodeGpu(toggles);
  const { forms, note } = readTuned(gpu, menuVersion);
  if (note) say(note);
  return { ...gpu, tuned: forms };
}

/** @returns undefined where there is no file @throws LlsmError where it is no cache of this format */
function readCache(file: string): Cache | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new LlsmError(`${file} cannot be read (${messageOf(error)})`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new LlsmError(`${file} is not JSON (${messageOf(error)})`);
  }
  const parsed = cacheSchema.safeParse(value);
  if (!parsed.success) throw new LlsmError(`${file}: ${problemsOf(parsed.error)}`);
  return parsed.data;
}
