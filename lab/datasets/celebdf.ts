/**
 * The adapter for Celeb-DF-v2 (README of yuezunli/celeb-deepfakeforensics): the videos of its test
 * list. The others are left out, since the list names nearly every person of the data set.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clip, Drop, Listing } from '../../node/sets/clip.ts';
import { makeSet, type SetOptions, type SetResult } from '../../node/sets/make-set.ts';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import { isFolder, namesIn, videosIn } from './tree.ts';

export interface CelebDfOptions extends Omit<SetOptions, 'needMasks'> {
  /** The list of test videos; null: the one in the folder. */
  list: string | null;
  /** At most so many videos of each part. */
  limit: number;
}

const listName = 'List_of_testing_videos.txt';
const parts = { 'Celeb-real': 0, 'YouTube-real': 0, 'Celeb-synthesis': 1 } as const;
type Part = keyof typeof parts;
const partNames = Object.keys(parts) as Part[];

/** Celeb-DF's people: celebrities by number, and each YouTube video somebody else. */
export const peopleOfCelebDf = (stem: string): string[] =>
  (stem.match(/id\d+/g) ?? [stem]).map((person) => `celebdf/${person}`);

interface Listed {
  part: Part;
  stem: string;
}

/**
 * The videos of a list of lines such as `1 YouTube-real/00170.mp4`, where 1 is real and 0 is fake:
 * the opposite of a label here.
 * @throws LlsmError naming the line where it has another form, disagrees with the folder that it names, or is there twice
 */
export function parseTestList(text: string, path: string): Listed[] {
  const seen = new Set<string>();
  const listed: Listed[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const where = `${path} line ${index + 1}`;
    const [, mark, folder, stem] = /^([01]) +([^/]+)\/([^/]+)\.mp4$/.exec(line.trim()) ?? [];
    const part = partNames.find((name) => name.toLowerCase() === folder?.toLowerCase());
    if (!mark || !part) {
      throw new LlsmError(
        `${where}: "${line.slice(0, 80)}" has not the form "1 Celeb-real/id0_0000.mp4" with one of the folders ${partNames.join(', ')}.`,
      );
    }
    const label = mark === '1' ? 0 : 1;
    if (label !== parts[part]) {
      throw new LlsmError(
        `${where}: it says ${mark} (${mark === '1' ? 'real' : 'fake'}) of a video in ${part}. In Celeb-DF's list 1 means real; get the list again.`,
      );
    }
    if (seen.has(`${part}/${stem}`)) {
      throw new LlsmError(`${where}: ${part}/${stem}.mp4 is listed twice.`);
    }
    seen.add(`${part}/${stem}`);
    listed.push({ part, stem });
  }
  if (listed.length === 0) throw new LlsmError(`${path} lists no videos.`);
  return listed;
}

/** The videos of each part: directly in its folder, or in `videos/` there; case does not matter. */
function findVideos(folder: string): Record<Part, Map<string, string>> {
  const advice = `Name the folder that holds ${partNames.join(', ')} and ${listName}.`;
  const names = namesIn(folder, advice);
  const videos = partNames.map((part) => {
    const name = names.find((other) => other.toLowerCase() === part.toLowerCase()) ?? part;
    const inner = join(folder, name, 'videos');
    return [part, videosIn(isFolder(inner) ? inner : join(folder, name), advice)];
  });
  return Object.fromEntries(videos);
}

function listVideos(folder: string, listed: Listed[], path: string, limit: number): Listing {
  const videos = findVideos(folder);
  const missing = listed.filter(({ part, stem }) => !videos[part].has(stem));
  if (missing.length > 0) {
    const [{ part, stem }] = missing;
    throw new LlsmError(
      `${path} lists ${missing.length} videos that ${folder} does not hold, the first of them ${part}/${stem}.mp4. Get them, or give a list without them with --list.`,
    );
  }
  const clips: Clip[] = [];
  const dropped: Drop[] = [];
  for (const part of partNames) {
    const label = parts[part];
    const ofPart = new Set(listed.filter((one) => one.part === part).map(({ stem }) => stem));
    let taken = 0;
    for (const [stem, video] of videos[part]) {
      const name = `${part}/${stem}.mp4`;
      if (!ofPart.has(stem)) {
        const reason = 'not in the test list, which shares its people with the rest';
        dropped.push({ file: name, reason });
        continue;
      }
      if (taken++ >= limit) continue;
      clips.push({
        name,
        source: { video, mask: null, mark: null, original: originalOf(part, stem, videos) },
        face: {
          label,
          video: `celebdf/${part}/${stem}`,
          people: peopleOfCelebDf(stem),
          dataset: 'celebdf',
          method: label === 1 ? part : null,
          split: 'test',
        },
      });
    }
  }
  return { folder, clips, dropped, notes: [] };
}

/** The video whose face was replaced: `id0_id1_0003` was made from `id0_0003`. */
function originalOf(
  part: Part,
  stem: string,
  videos: Record<Part, Map<string, string>>,
): string | null {
  const [, target, scene] = /^(id\d+)_id\d+_(\d+)$/.exec(stem) ?? [];
  if (part !== 'Celeb-synthesis' || !target) return null;
  return videos['Celeb-real'].get(`${target}_${scene}`) ?? null;
}

/**
 * The test videos of Celeb-DF-v2. It has no masks.
 * @throws LlsmError as `makeSet` and `parseTestList`, and where a listed video is not there
 */
export async function makeCelebDfSet(
  folder: string,
  out: string,
  options: CelebDfOptions,
): Promise<SetResult> {
  const path = options.list ?? join(folder, listName);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}. It comes with Celeb-DF-v2.`);
  }
  const listing = listVideos(folder, parseTestList(text, path), path, options.limit);
  const list = createHash('sha256').update(text).digest('hex');
  return makeSet(out, { command: 'data celebdf', list }, listing, { ...options, needMasks: false });
}
