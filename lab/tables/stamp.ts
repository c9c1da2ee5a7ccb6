/** What a table was made with, as values and in words (Node only). */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { type Config, differingKeys, presetConfig } from '../../src/config/config.ts';
import type { ManifestItem, Split } from '../../src/faces/manifest.ts';
import type { TableData } from './data.ts';
import type { Training } from './grid.ts';
import { readJson } from './json.ts';
import type { Trained } from './training.ts';

/** Faces as they were trained or tested on. */
export interface FacesStamp {
  real: number;
  forged: number;
  videos: number;
  /** Faces of a video: least, median, most. */
  perVideo: [number, number, number];
}

export interface DataStamp extends FacesStamp {
  title: string;
  /** Names of the folders. */
  folders: string[];
  /** What the manifests call the data sets. */
  datasets: string[];
  standIn: boolean;
  compressions: string[];
  /** Forged faces of each method. */
  methods: Record<string, number>;
  /** How the face is cut from its picture. */
  crop: string;
  /** What each folder says of how it was made (made.json): how faces were found, frames a video. */
  made: Record<string, unknown>[];
}

const madeSchema = z.record(z.string(), z.unknown());

const countBy = <T>(values: readonly T[]): Map<T, number> => {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
};

function facesStamp(items: readonly ManifestItem[]): FacesStamp {
  const forged = items.filter(({ label }) => label === 1).length;
  const videos = countBy(items.map((i) => JSON.stringify([i.label, i.method, i.video])));
  const each = [...videos.values()].sort((a, b) => a - b);
  return {
    real: items.length - forged,
    forged,
    videos: each.length,
    perVideo: [each[0] ?? 0, each[each.length >> 1] ?? 0, each[each.length - 1] ?? 0],
  };
}

function cropOf(items: readonly ManifestItem[]): string {
  const boxes = items.filter(({ box }) => box !== null).length;
  if (boxes === 0) return 'the whole picture is the face';
  const rule = "the square of 1.3 x the detector's box";
  return boxes === items.length ? rule : `${rule} for ${boxes}, else the whole picture`;
}

/** @param items those of the data set that were tested on */
export function dataStamp(data: TableData, items: readonly ManifestItem[]): DataStamp {
  const parts = items.flatMap(({ video }) => video.split('/'));
  const forged = items.filter(({ label }) => label === 1);
  return {
    title: data.title,
    folders: data.folders.map((folder) => basename(resolve(folder))),
    datasets: [...new Set(items.map(({ dataset }) => dataset))],
    standIn: data.standIn,
    compressions: ['raw', 'c23', 'c40'].filter((name) => parts.includes(name)),
    methods: Object.fromEntries(countBy(forged.map(({ method }) => method ?? 'unnamed'))),
    ...facesStamp(items),
    crop: cropOf(items),
    made: data.folders.flatMap((folder) => {
      const path = join(folder, 'made.json');
      return existsSync(path) ? [readJson(path, madeSchema)] : [];
    }),
  };
}

/** Of what a folder says of itself, what a comparison hangs on. */
function madeInWords(made: DataStamp['made']): string {
  const told = made.flatMap((one) => {
    const values = Object.entries(one);
    const some = values.filter(([key]) =>
      ['command', 'faces', 'size', 'frames', 'care'].includes(key),
    );
    return some.map(([key, value]) =>
      key === 'command' ? value : `${key} ${JSON.stringify(value)}`,
    );
  });
  return told.length > 0 ? ` (made by ${[...new Set(told)].join(', ')})` : '';
}

const perVideoInWords = ([least, median, most]: FacesStamp['perVideo']): string =>
  least === most ? `${most} a video` : `${least} to ${most} a video (median ${median})`;

const facesInWords = ({ real, forged, videos, perVideo }: FacesStamp): string =>
  `${real + forged} faces (${real} real, ${forged} forged) of ${videos} videos, ${perVideoInWords(perVideo)}`;

/** What was tested or trained on, with its counts and crop, as a sentence; two where it stands in. */
export function dataInWords(stamp: DataStamp): string {
  const { title, folders, datasets, compressions, methods, standIn, crop, made } = stamp;
  const counts = Object.entries(methods).map(([name, count]) => `${name} ${count}`);
  const held = [datasets.join(' and '), ...compressions].join(', ');
  return (
    `${title}: ${folders.join(', ')} (${held}; ${counts.join(', ')}): ${facesInWords(stamp)}; ${crop}${madeInWords(made)}.` +
    (standIn ? ` It stands in for ${title}: no figure on it can be compared with the paper's.` : '')
  );
}

export interface TrainingStamp {
  id: string;
  preset: string;
  config: Config;
  /** What its row sets, and its seed where there are several. */
  changes: string[];
  train: FacesStamp;
  validated: number;
  /** SHA-256 of what it began with. */
  init: string | null;
  /** Absent where it has not come to its end. */
  steps?: number;
  best?: { auc: number; step: number };
  sha256?: string;
  version?: string;
  adapter?: string;
}

/** What a table says of a training; without `trained`, of one that was not done. */
export function trainingStamp(
  { id, preset, config, changes, items, identity }: Training,
  trained: Trained | undefined,
): TrainingStamp {
  const of = (split: Split) => items.filter((item) => item.split === split);
  const { steps, best, sha256, version, adapter } = trained ?? {};
  return {
    ...{ id, preset, config, changes, train: facesStamp(of('train')), validated: of('val').length },
    ...{ init: identity.init, steps, best, sha256, version, adapter },
  };
}

/** In which values a config differs from the paper's network of these parts. */
function differences(config: Config, preset: string): string[] {
  const paper = presetConfig(preset);
  const paths = differingKeys(config, paper).map((key) => key.split('.').slice(0, 2).join('.'));
  const at = (root: Config, path: string) => {
    const value = path
      .split('.')
      .reduce<unknown>((inner, key) => (inner as Record<string, unknown>)?.[key], root);
    return typeof value === 'object' ? 'on' : value === false ? 'off' : String(value);
  };
  return [...new Set(paths)].map((path) => `${path} ${at(config, path)} (${at(paper, path)})`);
}

/** What is true of all trainings, then what each has of its own. */
export function trainingsInWords(trainings: readonly TrainingStamp[]): string[] {
  if (trainings.length === 0) return [];
  const init = trainings[0].init;
  const each = (of: (config: Config) => number | string) =>
    [...new Set(trainings.map(({ config }) => of(config)))].join(', ');
  const [first, ...others] = trainings.map(({ config, preset }) => differences(config, preset));
  const differing = first.filter((one) => others.every((other) => other.includes(one)));
  return [
    `Networks: ${each(({ size }) => `${size} x ${size}`)} pixels, width ${each(({ width }) => width)}, ` +
      `${each(({ train }) => train.iterations * train.epochs)} steps of ${each(({ train }) => train.batch)} faces, ` +
      `seed ${each(({ train }) => train.seed)}; begun from ${init ? 'given weights' : 'random weights, where the paper begins from pretrained ones'}; ` +
      'tested with the weights that were best on validation faces, where there are some.',
    differing.length > 0
      ? `Unlike the preset "paper" (its values in brackets): ${differing.join(', ')}.`
      : 'Settings: those of the paper, and where it gives none the presets of llsm.',
    ...trainings.map(({ id, changes, train: faces, validated, steps, best }) => {
      const state =
        steps === undefined
          ? 'not finished'
          : `${steps} steps${best ? `, best AUC ${best.auc.toFixed(3)} at step ${best.step}` : ''}`;
      const how = changes.length > 0 ? ` (${changes.join(', ')})` : '';
      return `Trained ${id}${how}: ${facesInWords(faces)}; validated on ${validated} faces; ${state}.`;
    }),
  ];
}
