/** Writes a data set of drawn portraits (Node only). */
import { join } from 'node:path';
import { encodePng } from '../../node/files/image.ts';
import { ManifestWriter } from '../../node/files/manifest.ts';
import { writeFileWhole } from '../../node/system/write-file.ts';
import { LlsmError } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import type { Split } from '../../src/faces/manifest.ts';
import { type Shares, shareOut } from '../../src/faces/splits.ts';
import { drawPerson } from './person.ts';
import { drawPortrait } from './portrait.ts';

export interface PeopleOptions {
  people: number;
  perPerson: number;
  /** Side of the pictures, in pixels. */
  size: number;
  seed: number;
  split: Shares;
}

export interface PeopleResult {
  written: number;
  /** Of an earlier run with the same options. */
  kept: number;
  /** Pictures in each split. */
  splits: Record<Split, number>;
}

/**
 * Draws people and writes them as a data set of real faces, "portraits"; continues one that is
 * there. Equal options give equal files.
 * @param progress told after each picture
 * @throws LlsmError where `out` was made otherwise or cannot be written, for a size that
 *   `drawPortrait` refuses, and for shares above 1 together.
 */
export async function makePeople(
  out: string,
  options: PeopleOptions,
  progress: (done: number, total: number) => void = () => {},
): Promise<PeopleResult> {
  const { people, perPerson, size, seed, split } = options;
  if (split.val + split.test > 1) {
    throw new LlsmError(`split: val ${split.val} and test ${split.test} add up to more than 1.`);
  }
  const splits = shareOut(people, split, new Random(seed, 'portraits split'));
  const writer = await ManifestWriter.open(out, {
    command: 'data portraits',
    ...{ people, perPerson, size, seed, split },
  });
  const have = new Set(writer.existing.map((face) => face.image));
  const result: PeopleResult = {
    written: 0,
    kept: have.size,
    splits: { train: 0, val: 0, test: 0 },
  };
  try {
    for (let id = 0; id < people; id++) {
      const person = drawPerson(new Random(seed, 'portrait person', 0, id));
      // The seed is part of the name: people of different seeds are different people.
      const name = `portrait-${seed}-${String(id).padStart(4, '0')}`;
      for (let shot = 0; shot < perPerson; shot++) {
        const image = `images/${name}_${shot}.png`;
        result.splits[splits[id]]++;
        if (!have.has(image)) {
          const draw = new Random(seed, 'portrait shot', shot, id);
          const portrait = drawPortrait(draw, size, person);
          const png = encodePng(portrait.image, { Comment: 'drawn portrait, not a photograph' });
          writeFileWhole(join(writer.folder, image), [png]);
          await writer.append({
            image,
            label: 0,
            landmarks: portrait.landmarks,
            video: `portraits/${name}_${shot}`,
            people: [name],
            dataset: 'portraits',
            split: splits[id],
          });
          result.written++;
        }
        progress(id * perPerson + shot + 1, people * perPerson);
      }
    }
  } finally {
    await writer.close();
  }
  return result;
}
