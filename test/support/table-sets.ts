/** Data folders for tests of tables: manifests whose pictures are never decoded. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Clip {
  video: string;
  split: 'train' | 'val' | 'test';
  method?: string;
  dataset?: string;
  people?: string[];
}

/** Writes a folder with a face of each clip. @returns the folder */
export function setOf(path: string, clips: readonly Clip[]): string {
  mkdirSync(join(path, 'images'), { recursive: true });
  const lines = clips.map(({ video, split, method, people, dataset = 'ffpp' }, k) => {
    const image = `images/${k}.png`;
    writeFileSync(join(path, image), `${k}`);
    const label = method ? 1 : 0;
    return JSON.stringify({ image, label, video, split, method, people, dataset });
  });
  writeFileSync(join(path, 'manifest.jsonl'), lines.map((line) => `${line}\n`).join(''));
  return path;
}
