/** Whose face another one gets: somebody else of the same split who looks about the same. */
import { LlsmError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { ManifestItem, Split } from '../faces/manifest.ts';
import type { Box } from '../image/pixels.ts';
import { resample } from '../image/resample.ts';
import { toYcc } from './blend.ts';
import { apply, fitSimilarity, frameOf, type Subject } from './face.ts';

/** Candidates that are compared for each forgery. */
const candidates = 24;

/** A face's features, by which donors are compared. */
interface Looks {
  /** Mean Y, Cb, Cr of the face. */
  colour: [number, number, number];
  /** 16 x 16 of Y, mean 0 and norm 1: light, pose and expression, roughly. */
  relief: Float32Array;
  landmarks: Subject['landmarks'];
}

const side = 16;

export function looksOf(face: Subject): Looks {
  const { x, y, halfWidth, halfHeight } = frameOf(face);
  const box: Box = [x - 0.8 * halfWidth, y - 0.8 * halfHeight, 1.6 * halfWidth, 1.6 * halfHeight];
  const ycc = resample(face.image, 3, box, side, side, new Float32Array(side * side * 3));
  toYcc(ycc);
  const colour: Looks['colour'] = [0, 0, 0];
  for (let i = 0; i < ycc.length; i++) colour[i % 3] += ycc[i] / (side * side);
  const relief = Float32Array.from({ length: side * side }, (_, i) => ycc[i * 3] - colour[0]);
  const norm = Math.max(1, Math.hypot(...relief));
  for (let i = 0; i < relief.length; i++) relief[i] /= norm;
  return { colour, relief, landmarks: face.landmarks };
}

/**
 * How unlike two faces are: colour, the light's and the features' relief, and the landmarks' shape
 * where both have them; each divided by what makes a swap look wrong.
 */
export function unlikeness(a: Looks, b: Looks): number {
  const [y, cb, cr] = a.colour.map((value, c) => value - b.colour[c]);
  let same = 0;
  for (let i = 0; i < a.relief.length; i++) same += a.relief[i] * b.relief[i];
  let sum = (y / 40) ** 2 + (cb / 10) ** 2 + (cr / 10) ** 2 + ((1 - same) / 0.3) ** 2;
  if (a.landmarks && b.landmarks) {
    const onto = fitSimilarity(a.landmarks, b.landmarks);
    const size = Math.hypot(
      b.landmarks[1][0] - b.landmarks[0][0],
      b.landmarks[1][1] - b.landmarks[0][1],
    );
    for (const [i, point] of a.landmarks.entries()) {
      const [u, v] = apply(onto, point);
      const away = Math.hypot(u - b.landmarks[i][0], v - b.landmarks[i][1]);
      sum += (away / (0.1 * Math.max(1, size))) ** 2 / 5;
    }
  }
  return sum;
}

/** The real faces that can be given to others, by split and person. */
export class Donors {
  readonly #read: (item: ManifestItem) => Promise<Subject>;
  readonly #people = new Map<Split, { id: string; faces: ManifestItem[] }[]>();
  readonly #looks = new Map<ManifestItem, Looks | null>();

  /**
   * @param read gives a face of the list
   * @throws LlsmError where it is not known who a face is, or a split holds one person only.
   */
  constructor(reals: readonly ManifestItem[], read: (item: ManifestItem) => Promise<Subject>) {
    this.#read = read;
    const splits = new Map<Split, Map<string, ManifestItem[]>>();
    for (const item of reals) {
      const known = splits.get(item.split) ?? new Map<string, ManifestItem[]>();
      splits.set(item.split, known);
      if (item.people.length === 0) {
        throw new LlsmError(
          `${item.folder}/${item.image}: people: is empty. Faces can only be given to other people where it is known who is who: make the set again with \`llsm data … --people\`, or use --methods self-blend.`,
        );
      }
      for (const id of item.people) {
        const faces = known.get(id) ?? [];
        known.set(id, faces);
        faces.push(item);
      }
    }
    for (const [split, known] of splits) {
      if (known.size < 2) {
        throw new LlsmError(
          `split ${split} holds one person only (${[...known.keys()][0]}), and a face must come from somebody else of the same split. Add people to it, or use --methods self-blend.`,
        );
      }
      this.#people.set(
        split,
        [...known].map(([id, faces]) => ({ id, faces })),
      );
    }
  }

  /**
   * The best of some faces drawn from other people of the target's split. Depends on the list of
   * real faces, the target and the random numbers alone.
   * @throws LlsmError where there is none that can be read.
   */
  async find(target: ManifestItem, face: Subject, random: Random, most = candidates) {
    const people = this.#people.get(target.split) ?? [];
    const wanted = looksOf(face);
    let best: ManifestItem | undefined;
    let least = Number.POSITIVE_INFINITY;
    let taken = 0;
    for (let draw = 0; draw < 4 * candidates && taken < most; draw++) {
      const item = random.pick(random.pick(people).faces);
      if (item.people.some((id) => target.people.includes(id))) continue;
      const looks = await this.#looksOf(item);
      if (!looks) continue;
      taken++;
      const value = unlikeness(wanted, looks);
      if (value < least) [best, least] = [item, value];
    }
    if (!best) {
      throw new LlsmError(
        `no face of another person in split ${target.split} could be read to take parts from`,
      );
    }
    return { item: best, face: await this.#read(best) };
  }

  /** Each face is read for this once; null where it cannot be used. */
  async #looksOf(item: ManifestItem): Promise<Looks | null> {
    const known = this.#looks.get(item);
    if (known !== undefined) return known;
    let looks: Looks | null = null;
    try {
      looks = looksOf(await this.#read(item));
    } catch (error) {
      if (!(error instanceof LlsmError)) throw error;
    }
    this.#looks.set(item, looks);
    return looks;
  }
}
