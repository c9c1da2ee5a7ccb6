/** The demo's faces: people drawn from numbers, and forgeries made from them (Node only). */
import { join } from 'node:path';
import { makePeople } from '../../lab/portraits/make.ts';
import { readManifest } from '../../node/files/manifest.ts';
import { makeForgeries } from '../../node/forge/make.ts';
import { Progress } from '../../node/system/progress.ts';
import { easyForging, forgingOf } from '../../src/config/forge-schema.ts';
import { type ManifestItem, type Split, splits } from '../../src/faces/manifest.ts';
import { frameOf } from '../../src/forge/face.ts';

/** Pictures of each person. */
const perPerson = 2;
/** Side of a portrait; the face crop is about two thirds of it. */
const portraitSize = 96;
/** Pairs of a real face and its forgery that a picture is made into. */
const perImage = 6;
const methods = { 'self-blend': 1, swap: 1, parts: 1 };

/** Each split needs two people, for a face must come from somebody else of its own split. */
export const fewestPeople = 8;

/** The crop of a face by its landmarks, framed as a face detector's box is. */
function withBox(item: ManifestItem): ManifestItem {
  const none = { width: 0, height: 0, data: new Uint8ClampedArray() };
  const { x, y, halfWidth, halfHeight } = frameOf({ image: none, landmarks: item.landmarks });
  return { ...item, box: [x - halfWidth, y - halfHeight, 2 * halfWidth, 2 * halfHeight] };
}

/** Draws the people, or those of them that are still missing. @returns the data set's folder */
export async function makeDemoPeople(out: string, people: number, seed: number): Promise<string> {
  const folder = join(out, 'people');
  const bar = new Progress({ label: 'portraits', total: people * perPerson });
  const split = { val: 0.2, test: 0.2 };
  await makePeople(folder, { people, perPerson, size: portraitSize, seed, split }, (done) =>
    bar.update(done),
  ).finally(() => bar.stop());
  return folder;
}

/** Makes the forgeries, or those of them that are still missing. @returns the set's folder */
export async function makeDemoForgeries(out: string, people: string, seed: number) {
  const folder = join(out, 'faces');
  const items = readManifest(people).map(withBox);
  const bar = new Progress({ label: 'portraits', total: items.length, images: 2 * perImage });
  const forging = forgingOf({ ...easyForging, methods });
  await makeForgeries(items, folder, { forging, perImage, seed }, (done) =>
    bar.update(done),
  ).finally(() => bar.stop());
  return folder;
}

/** Faces that are validated on after each epoch; the rest of theirs is for the threshold. */
const mostValidated = 320;

/** All training faces and an even choice of pairs of the validation faces. */
export function trainingItems(items: readonly ManifestItem[]): ManifestItem[] {
  const val = items.filter(({ split }) => split === 'val');
  // A real face and its forgery follow each other, so pairs are kept whole.
  const every = Math.ceil(val.length / mostValidated);
  const chosen = val.filter((_, k) => Math.floor(k / 2) % every === 0);
  return [...items.filter(({ split }) => split === 'train'), ...chosen];
}

export interface SplitCounts {
  split: Split;
  people: number;
  real: number;
  forged: Record<string, number>;
}

export function countFaces(items: readonly ManifestItem[]): SplitCounts[] {
  return splits.map((split) => {
    const own = items.filter((item) => item.split === split);
    const forged: Record<string, number> = {};
    for (const method of Object.keys(methods)) {
      forged[method] = own.filter((item) => item.method === method).length;
    }
    return {
      split,
      people: new Set(own.flatMap((item) => item.people)).size,
      real: own.filter(({ label }) => label === 0).length,
      forged,
    };
  });
}
