/** Data folders for tests of tables: manifests whose pictures are never decoded. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { type DataSets, loadProtocol } from '../../lab/tables/protocol.ts';
import { failure } from './pictures.ts';

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

/**
 * Checks of a protocol's file: with each change written into it, loading must fail with an error that
 * names the file.
 */
export const refusedIn =
  (file: string, own: object, dataSets: DataSets) =>
  async (changed: object, message: RegExp): Promise<void> => {
    writeFileSync(file, JSON.stringify({ ...own, ...changed }));
    const error = await failure(() => loadProtocol(file, dataSets));
    assert.is(error.name, 'LlsmError');
    assert.ok(error.message.startsWith(file), error.message);
    assert.match(error.message, message);
  };
