/** The data sets of a protocol, found in folders with manifests (Node only). */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { readManifests } from '../../node/files/manifest.ts';
import { LlsmError, UsageError } from '../../src/base/errors.ts';
import { nearest } from '../../src/base/nearest.ts';
import type { ManifestItem, Split } from '../../src/faces/manifest.ts';
import { methodOf, methodsOf } from '../../src/measure/classification.ts';
import { readJson } from './json.ts';
import type { DataSet, DataSets } from './protocol.ts';

/** A data set as it is there. */
export interface TableData {
  /** Its key in protocols/data-sets.json, or the name it was given. */
  key: string;
  title: string;
  folders: string[];
  items: ManifestItem[];
  /** Names in the manifest, and titles. */
  methods: Map<string, string>;
  /** Other faces were put in its place by name: figures on them are no figures on the data set. */
  standIn: boolean;
}

/** Which folders hold what. */
export interface Given {
  /** By data set. */
  named: Map<string, string[]>;
  /** Folders whose manifests say what they are. */
  open: string[];
  /** Further sets to test on, by the name of their column. */
  also: Map<string, string[]>;
}

const mappingSchema = z.record(
  z.string(),
  z.union([z.string(), z.array(z.string()).min(1)]).transform((value) => [value].flat()),
);

/**
 * What `--data` and `--also` say: folders, NAME=FOLDER, or for `--data` a JSON file
 * `{"NAME": FOLDER or [FOLDER, ...]}` with paths relative to it.
 * @throws UsageError for a name that is no data set; LlsmError for a file that is no mapping
 */
export function parseGiven(
  data: readonly string[],
  also: readonly string[],
  dataSets: DataSets,
): Given {
  const given: Given = { named: new Map(), open: [], also: new Map() };
  const add = (to: Map<string, string[]>, key: string, folders: readonly string[]) =>
    to.set(key, [...(to.get(key) ?? []), ...folders]);
  const addNamed = (key: string, folders: readonly string[], where: string) => {
    if (!Object.hasOwn(dataSets, key)) {
      const known = Object.keys(dataSets);
      const meant = nearest(key, known);
      throw new UsageError(
        `${where}: there is no data set "${key}" (${known.join(', ')})` +
          `${meant ? `: did you mean ${meant}?` : '. Further sets to test on are for --also'}`,
      );
    }
    add(given.named, key, folders);
  };
  for (const value of data) {
    const [, key, folder] = /^([\w-]+)=(.+)$/.exec(value) ?? [];
    if (existsSync(value) && value.endsWith('.json') && statSync(value).isFile()) {
      for (const [name, folders] of Object.entries(readJson(value, mappingSchema))) {
        addNamed(
          name,
          folders.map((path) => resolve(dirname(value), path)),
          value,
        );
      }
    } else if (key && !existsSync(value)) addNamed(key, [folder], `--data ${value}`);
    else given.open.push(value);
  }
  for (const value of also) {
    const [, name, folder] = /^([^=/\\]+)=(.+)$/.exec(value) ?? [];
    if (!name) throw new UsageError(`--also takes NAME=FOLDER, not ${value}`);
    if (Object.hasOwn(dataSets, name)) {
      throw new UsageError(`--also ${value}: ${name} is a data set: give it with --data`);
    }
    add(given.also, name, [folder]);
  }
  return given;
}

/** Whether a face is one of a data set's. */
const isOf = ({ dataset, video }: ManifestItem, { datasets, compression }: DataSet): boolean =>
  datasets?.includes(dataset) === true && (!compression || video.split('/').includes(compression));

/** Reads manifests as one. @returns the faces of each folder */
function readFolders(folders: readonly string[]): (folder: string) => ManifestItem[] {
  const once = new Map(folders.map((folder) => [resolve(folder), folder]));
  const items = new Map<string, ManifestItem[]>();
  for (const item of readManifests([...once.values()])) {
    const key = resolve(item.folder);
    const own = items.get(key);
    if (own) own.push(item);
    else items.set(key, [item]);
  }
  return (folder) => items.get(resolve(folder)) ?? [];
}

/**
 * Reads the manifests and finds the data sets in them. All are read as one, so a person who is
 * in the training split of one and in the test split of another is refused.
 * @throws LlsmError as `readManifests`; where a folder holds none of the data sets and is not named
 */
export function readTableData(given: Given, dataSets: DataSets): Map<string, TableData> {
  const itemsOf = readFolders([...given.named.values(), given.open, ...given.also.values()].flat());
  const found = new Map<string, TableData>();
  const useless = new Set(given.open);
  for (const [key, set] of Object.entries(dataSets)) {
    const named = (given.named.get(key) ?? []).map((folder) => {
      const own = itemsOf(folder).filter((item) => isOf(item, set));
      return { folder, items: own.length > 0 ? own : itemsOf(folder) };
    });
    const open = given.open
      .map((folder) => ({ folder, items: itemsOf(folder).filter((item) => isOf(item, set)) }))
      .filter(({ items }) => items.length > 0);
    for (const { folder } of open) useless.delete(folder);
    const parts = new Map([...open, ...named].map((part) => [resolve(part.folder), part]));
    if (parts.size > 0) found.set(key, dataOf(key, set, [...parts.values()]));
  }
  for (const folder of useless) {
    const held = [...new Set(itemsOf(folder).map(({ dataset }) => dataset))].join(', ');
    throw new LlsmError(
      `${folder} holds faces of ${held}, none of the data sets ${Object.keys(dataSets).join(', ')}. ` +
        `Say which one it is, or stands in for: --data ${Object.keys(dataSets)[0]}=${folder}; or ` +
        `test on it besides: --also NAME=${folder}`,
    );
  }
  for (const [name, some] of given.also) {
    const own = [...new Set(some.flatMap(itemsOf))];
    found.set(name, {
      ...{ key: name, title: name, folders: some, items: own, standIn: false },
      methods: ownMethods(own),
    });
  }
  return found;
}

function dataOf(
  key: string,
  set: DataSet,
  parts: readonly { folder: string; items: ManifestItem[] }[],
): TableData {
  const folders = parts.map(({ folder }) => folder);
  const all = parts.flatMap(({ items }) => items);
  const standIn = all.some(({ dataset }) => set.datasets?.includes(dataset) === false);
  const { title, methods } = set;
  if (standIn || !methods || !set.datasets) {
    return { key, title, folders, items: all, methods: ownMethods(all), standIn };
  }
  const counted = (item: ManifestItem) =>
    item.label === 0 || Object.hasOwn(methods, methodOf(item));
  const items = all.filter(counted);
  return { key, title, folders, items, methods: new Map(Object.entries(methods)), standIn };
}

const ownMethods = (items: readonly ManifestItem[]) =>
  new Map(methodsOf(items).map((name) => [name, name]));

/** The faces of a split: real ones, and forged ones of a method or of all. */
export const facesIn = ({ items }: TableData, split: Split, method?: string): ManifestItem[] =>
  items.filter(
    (item) => item.split === split && (item.label === 0 || !method || methodOf(item) === method),
  );

/** At most about so many faces, evenly out of each class, in their order. */
export function thin<T extends Pick<ManifestItem, 'label'>>(
  items: readonly T[],
  most: number,
): T[] {
  const share = Math.min(1, most / items.length);
  const seen = [0, 0];
  return items.filter(({ label }) => {
    const k = seen[label]++;
    return k === 0 || Math.floor((k + 1) * share) > Math.floor(k * share);
  });
}

/**
 * Tells whether faces are the same as before: a hash of their lines and of their files' sizes,
 * without where the folder lies. A changed picture of the same size goes unseen.
 */
export function fingerprint(items: readonly ManifestItem[]): string {
  const hash = createHash('sha256');
  const sizeOf = (folder: string, file: string | null) =>
    file === null ? 0 : (statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? -1);
  for (const { folder, ...face } of items) {
    const sizes = [sizeOf(folder, face.image), sizeOf(folder, face.mask)];
    hash.update(`${JSON.stringify([Object.entries(face).sort(), sizes])}\n`);
  }
  return hash.digest('hex');
}
