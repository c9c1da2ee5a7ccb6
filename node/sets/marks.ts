/** The adapter for photographs with a table of where their faces are. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { Random } from '../../src/base/random.ts';
import { checkFace, type Split } from '../../src/faces/manifest.ts';
import type { Shares } from '../../src/faces/splits.ts';
import { parseCsv, readTable } from '../files/csv.ts';
import type { Clip, Drop, Listing, Picture } from './clip.ts';
import { makeSet, type SetOptions, type SetResult } from './make-set.ts';

export interface MarksOptions extends Pick<SetOptions, 'workers' | 'progress'> {
  /** Where the table's paths begin; null: at the table. */
  folder: string | null;
  /** Side of the crops that are written, in pixels. */
  size: number;
  dataset: string;
  /** The table's top folders to take; null: all. */
  only: string[] | null;
  /** Faces whose box has no side of so many pixels are left out. */
  least: number;
  /** One split for all, or the shares of people for validation and test. */
  split: Split | Shares;
  seed: number;
  /** Ids of one person, group by group: they come into one split. */
  same: string[][];
  /** People who are left out, under whichever of their ids. */
  without: string[];
}

const points = ['reye', 'leye', 'nose', 'rmouth', 'lmouth'];
const columns = ['file', 'person', 'x', 'y', 'w', 'h'];

/** The ids on each line of a file, those of one person. */
export function readGroups(path: string): string[][] {
  try {
    return parseCsv(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
}

/** One id for all that are of one person: the first in the order of letters. */
function namer(same: readonly string[][]): (id: string) => string {
  const groups = new Map<string, Set<string>>();
  for (const ids of same) {
    const all = new Set(ids.flatMap((id) => [id, ...(groups.get(id) ?? [])]));
    for (const id of all) groups.set(id, all);
  }
  return (id) => [...(groups.get(id) ?? [id])].sort()[0];
}

function listMarked(table: string, options: MarksOptions): Listing {
  const { dataset, only, least, split, seed } = options;
  const folder = options.folder ?? dirname(table);
  const rows = readTable(table, [...columns, ...points.flatMap((p) => [`${p}_x`, `${p}_y`])]);
  const nameOf = namer(options.same);
  const without = new Set(options.without.map(nameOf));
  const clips: Clip[] = [];
  const dropped: Drop[] = [];
  for (const [index, row] of rows.entries()) {
    const where = `${table} line ${index + 2}`;
    const text = (column: string): string => row.get(column) as string;
    const number = (column: string): number => {
      const value = Number(text(column));
      if (text(column).trim() !== '' && Number.isFinite(value)) return value;
      throw new LlsmError(`${where}: ${column} is "${text(column)}", which is no number.`);
    };
    const [file, person] = [text('file'), text('person')];
    if (only && !only.includes(file.split('/')[0])) continue;
    const box: Picture['box'] = [number('x'), number('y'), number('w'), number('h')];
    const unmarked = points.every((p) => text(`${p}_x`) === '' && text(`${p}_y`) === '');
    const landmarks = unmarked ? null : points.map((p) => [number(`${p}_x`), number(`${p}_y`)]);
    const key = nameOf(person);
    const draw = new Random(seed, `split of ${key}`).next();
    const own = (shares: Shares): Split =>
      draw < shares.val ? 'val' : draw < shares.val + shares.test ? 'test' : 'train';
    const face: Clip['face'] = {
      ...{ label: 0, video: `${dataset}/${file}`, people: [person], dataset, method: null },
      split: typeof split === 'string' ? split : own(split),
    };
    checkFace({ image: file, box, landmarks, ...face }, where);
    const reason = without.has(key)
      ? `its person ${person} is to be left out`
      : Math.max(box[2], box[3]) < least
        ? `its face has ${Math.round(Math.max(box[2], box[3]))} pixels (${least} is the least)`
        : undefined;
    if (reason) {
      dropped.push({ file, reason });
      continue;
    }
    const name = file.replace(/\.\w+$/, '').replaceAll('/', '__');
    const picture: Picture = {
      ...{ path: join(folder, file), name, frame: 0, mask: null, box },
      landmarks: landmarks as Exclude<Picture['landmarks'], string>,
    };
    clips.push({ name: file, source: { pictures: [picture] }, face });
  }
  return { folder, clips, dropped, notes: [] };
}

/**
 * Writes a data set of real faces from photographs and a table (CSV with a heading) of where their
 * faces are: `file`, `person`, `x`, `y`, `w`, `h`, and `reye_x` to `lmouth_y`, in pixels; a line's
 * landmarks may be empty, all of them.
 * @throws LlsmError where the table is wrong, nothing is found or usable, or `out` was made otherwise.
 */
export async function makeMarkedSet(
  table: string,
  out: string,
  options: MarksOptions,
): Promise<SetResult> {
  const { dataset, only, least, split, seed, same, without } = options;
  return makeSet(
    out,
    { command: 'data marks', ...{ dataset, only, least, split, seed, same, without } },
    listMarked(table, options),
    { ...options, faces: 'marked', frames: 1, maskThreshold: null, needMasks: false },
  );
}
