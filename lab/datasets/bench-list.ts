/** The lists that DeepfakeBench's rearrange.py writes. */
import * as z from 'zod';
import { LlsmError } from '../../src/base/errors.ts';
import { type Split, splits } from '../../src/faces/manifest.ts';

/** A video of a list. */
export interface BenchVideo {
  /** The list's file. */
  list: string;
  /** `FF-real`, `FF-DF`, `CelebDFv2_fake`, … */
  label: string;
  split: Split;
  /** null: the data set comes in one. */
  compression: string | null;
  stem: string;
  /** Paths where the bench lay when the list was written, in no order. */
  frames: string[];
  masks: string[];
}

const videoSchema = z.object({
  frames: z.array(z.string()),
  masks: z.array(z.string()).optional(),
});

const groupSchema = z.record(z.string(), z.unknown());

/** data set -> label -> split, below which are videos, or compressions and in them videos. */
const listSchema = z.record(
  z.string(),
  z.record(z.string(), z.partialRecord(z.enum(splits), groupSchema)),
);

const isGroup = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The videos of a list.
 * @param path the list's, for messages
 * @throws LlsmError where it is no such list, naming the place
 */
export function parseBenchList(text: string, path: string): BenchVideo[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new LlsmError(`${path} is not JSON. Write it again with rearrange.py.`);
  }
  const parsed = listSchema.safeParse(json);
  if (!parsed.success) {
    const [{ path: place, message }] = parsed.error.issues;
    throw new LlsmError(
      `${path} is no list of DeepfakeBench (data set, label, split, video): ${place.join(' > ')}: ${message}`,
    );
  }
  const videos: BenchVideo[] = [];
  const walk = (
    group: Record<string, unknown>,
    known: Pick<BenchVideo, 'list' | 'label' | 'split'>,
    compression: string | null,
    place: string,
  ) => {
    for (const [name, value] of Object.entries(group)) {
      const video = videoSchema.safeParse(value);
      if (video.success) {
        const { frames, masks = [] } = video.data;
        videos.push({ ...known, compression, stem: name, frames, masks });
      } else if (compression === null && isGroup(value) && !('frames' in value)) {
        walk(value, known, name, `${place} > ${name}`);
      } else {
        throw new LlsmError(`${path}: ${place} > ${name} is no video with a list of frames.`);
      }
    }
  };
  for (const [dataset, labels] of Object.entries(parsed.data)) {
    for (const [label, groups] of Object.entries(labels)) {
      for (const [split, group] of Object.entries(groups)) {
        // rearrange.py leaves one nameless video for DFDC's val; it is among those of test.
        if ('frames' in group) continue;
        const place = `${dataset} > ${label} > ${split}`;
        walk(group, { list: path, label, split: split as Split }, null, place);
      }
    }
  }
  return videos;
}
