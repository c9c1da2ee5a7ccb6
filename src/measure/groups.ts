/** Faces told apart by how they were forged and how large they are. Browser-safe. */
import type { ManifestItem } from '../faces/manifest.ts';

/** What is known of one face, besides its scores. */
export interface Traits {
  method: string | null;
  /** The folder that its photograph or video lies in, as the manifest says. */
  source: string;
  made?: ManifestItem['made'];
  /** Share of the face crop that is altered; absent: not known. */
  maskShare?: number;
  /** Side of the face crop on its photograph, in pixels. */
  side: number;
}

/** A way to tell faces apart. */
export interface Grouping {
  /** The group of a face; undefined: not known. */
  groupOf(face: Traits): string | undefined;
  /** Real faces have groups too, and are compared with forged ones of their own. */
  both: boolean;
  /** The groups' order; absent: that of the alphabet. */
  order?: readonly string[];
}

/** Values in classes between limits, named by a text. */
function classes(limits: readonly number[], text: (limit: number) => string, unit: string) {
  const names = [
    `below ${text(limits[0])}${unit}`,
    ...limits.slice(1).map((limit, k) => `${text(limits[k])} to ${text(limit)}${unit}`),
    `from ${text(limits[limits.length - 1])}${unit}`,
  ];
  const nameOf = (value: number): string =>
    names[limits.findLastIndex((limit) => value >= limit) + 1];
  return { names, nameOf };
}

const shares = classes([0.01, 0.03, 0.1, 0.2, 0.35, 0.6], (s) => `${Math.round(s * 100)}`, ' %');
const sides = classes([80, 120, 160, 224, 320], (side) => `${side}`, ' px');

/** The class of masks that alter such a share of the face crop. */
export const maskSizeOf = shares.nameOf;
/** All classes of masks, from small to large. */
export const maskSizes: readonly string[] = shares.names;

/** The folder of a face's photograph or video, a forged one's without its method; `dataset` where it lies in none. */
export function sourceOf({
  video,
  method,
  dataset,
}: Pick<ManifestItem, 'video' | 'method' | 'dataset'>): string {
  const photograph =
    method && video.endsWith(`/${method}`) ? video.slice(0, -method.length - 1) : video;
  const end = photograph.lastIndexOf('/');
  return end > 0 ? photograph.slice(0, end) : dataset;
}

export const groupings = {
  method: { groupOf: ({ method }) => method ?? 'unnamed', both: false },
  region: { groupOf: ({ made }) => made?.region, both: false },
  cue: { groupOf: ({ made }) => made?.cue, both: false },
  ratio: { groupOf: ({ made }) => made?.ratio?.toFixed(2), both: false },
  'mask-size': {
    groupOf: ({ maskShare }) => (maskShare === undefined ? undefined : shares.nameOf(maskShare)),
    both: false,
    order: shares.names,
  },
  'face-size': { groupOf: ({ side }) => sides.nameOf(side), both: true, order: sides.names },
  source: { groupOf: ({ source }) => source, both: true },
} as const satisfies Record<string, Grouping>;

export type GroupingName = keyof typeof groupings;
