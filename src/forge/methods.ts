/** All ways of forging a face, by the names that manifests, configs and the command line use. */
import type { Random } from '../base/random.ts';
import type { ForgeMethod, Forging } from '../config/forge-schema.ts';
import type { ManifestItem } from '../faces/manifest.ts';
import type { Donors } from './donors.ts';
import type { Subject } from './face.ts';
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

/**
 * Forges a face. The result depends on what is given alone.
 * @param random of the forgery; `other` draws who it is taken from
 * @param donors needed by methods that take from another person
 * @throws LlsmError where the crop is below 32 pixels, its landmarks make no face, or no donor can be read
 */
export async function forgeFace(
  method: ForgeMethod,
  item: ManifestItem,
  face: Subject,
  { random, other, donors }: { random: Random; other: Random; donors: Donors | null },
  forging: Forging,
): Promise<Forged> {
  const { people } = item;
  if (!needsDonor(method)) return { ...own[method](face, random, forging), people };
  if (!donors) throw new TypeError(`${method} needs donors`);
  const donor = await donors.find(item, face, other);
  const made = borrowed[method](face, donor.face, random, forging);
  return { ...made, people: [...people, ...donor.item.people] };
}
