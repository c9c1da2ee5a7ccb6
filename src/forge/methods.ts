/** All ways of forging a face, by the names that manifests, configs and the command line use. */
import { LlsmError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import type { ForgeMethod, Forging } from '../config/forge-schema.ts';
import type { ReadBytes } from '../faces/crops.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import { decodeImage } from '../image/codecs.ts';
import type { Donors } from './donors.ts';
import type { Subject } from './face.ts';
import { reconstruct } from './reconstruct.ts';
import { type Forgery, generator, selfBlend } from './self-blend.ts';
import { parts, swap } from './transplant.ts';

const own = { 'self-blend': selfBlend, generator } as const;
const borrowed = { swap, parts } as const;

/** Whether a method lays another person's features over the face. */
export const needsDonor = (method: ForgeMethod): method is keyof typeof borrowed =>
  method in borrowed;

/** A forgery, and who is on it: the face's own people first. */
export interface Forged extends Forgery {
  people: string[];
}

/** What a forgery is made with. */
export interface Sources {
  /** Random numbers of the forgery. */
  random: Random;
  /** Those that draw who it is taken from. */
  other: Random;
  /** Needed by methods that take from another person. */
  donors: Donors | null;
  /** Reads what was made of the face before. */
  read: ReadBytes;
}

/**
 * Forges a face. The result depends on what is given alone.
 * @throws LlsmError where the crop is below 32 pixels, its landmarks make no face, or no donor can be read
 */
export async function forgeFace(
  method: ForgeMethod,
  item: ManifestItem,
  face: Subject,
  { random, other, donors, read }: Sources,
  forging: Forging,
): Promise<Forged> {
  const { people } = item;
  if (method === 'reconstruct') {
    if (item.reconstructed === undefined) {
      throw new LlsmError(
        'there is no reconstruction of it, which forging by reconstruct blends in: make them with `llsm autoencoder apply`, or give reconstruct no share',
      );
    }
    const path = `${item.folder}/${item.reconstructed}`;
    const made = await decodeImage(await read(path), path);
    return { ...reconstruct(face, made, random, forging), people };
  }
  if (!needsDonor(method)) return { ...own[method](face, random, forging), people };
  if (!donors) throw new TypeError(`${method} needs donors`);
  const donor = await donors.find(item, face, other);
  const made = borrowed[method](face, donor.face, random, forging);
  return { ...made, people: [...people, ...donor.item.people] };
}
