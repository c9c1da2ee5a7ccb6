import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { listSources } from '../../../node/detect/sources.ts';
import { temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const folder = temporaryFolder();
for (const name of [
  'b.JPG',
  'a.png',
  'a.webp',
  'notes.txt',
  'sub/a.png',
  '.hidden/x.png',
  'out/p.png',
]) {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), '');
}
mkdirSync(join(folder, 'empty'));

test('a folder is its pictures, sorted; each file once, under a name of its own', () => {
  const at = (name: string) => join(folder, name);
  const sources = listSources([at('sub/a.png'), folder, at('notes.txt')], at('out'));
  assert.equal(sources, [
    { path: at('sub/a.png'), stem: 'a' },
    { path: at('a.png'), stem: 'a-2' },
    { path: at('a.webp'), stem: 'a-3' },
    { path: at('b.JPG'), stem: 'b' },
    { path: at('notes.txt'), stem: 'notes' },
  ]);
  const under = listSources([folder]).map(({ stem }) => stem);
  assert.equal(under, ['a', 'a-2', 'b', 'out__p', 'sub__a']);
});

test('a folder without pictures is an error of its own, and no end', () => {
  const [empty, other] = listSources([join(folder, 'empty'), 'nowhere.png']);
  assert.match(empty.error as string, /empty holds no JPEG, PNG or WebP pictures/);
  assert.equal(other, { path: 'nowhere.png', stem: 'nowhere' });
});

test('videos are told by their names, else by their first bytes', () => {
  const write = (name: string, bytes: string): string => {
    writeFileSync(join(folder, name), Buffer.from(bytes, 'latin1'));
    return join(folder, name);
  };
  const videos = [
    write('empty/a.MP4', ''),
    write('no-ending', '\0\0\0\x20ftypisom\0\0'),
    write('matroska', '\x1a\x45\xdf\xa3\0\0\0\0\0\0\0\0'),
    write('avi.old', 'RIFF\0\0\0\0AVI LIST'),
  ];
  const others = [
    write('photo', '\0\0\0\x20ftypavif\0\0'),
    write('web', 'RIFF\0\0\0\0WEBPVP8 '),
    write('video.png', '\0\0\0\x20ftypisom\0\0'),
    write('short', 'RI'),
    join(folder, 'nowhere'),
  ];
  assert.equal(
    listSources([...videos, ...others]).map(({ video }) => video ?? false),
    [...videos.map(() => true), ...others.map(() => false)],
  );
  assert.equal(listSources([join(folder, 'empty')]), [
    { path: join(folder, 'empty', 'a.MP4'), stem: 'a', video: true },
  ]);
});
