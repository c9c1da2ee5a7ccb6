import * as assert from 'uvu/assert';
import { Stub } from '../../../bench/scan/stub.ts';
import {
  canaries,
  judgeKinds,
  oldLine,
  toLookAtAgain,
  upperEnd,
} from '../../../node/scan/changed.ts';
import { Copies } from '../../../node/scan/copies.ts';
import type { ScanLine } from '../../../node/scan/line.ts';
import { bitsBetween, printOf } from '../../../node/scan/print.ts';
import { Random } from '../../../src/base/random.ts';
import { throughJpeg } from '../../../src/image/codecs.ts';
import { resize } from '../../../src/image/resample.ts';
import '../../../node/files/image.ts';
import { drawnPicture } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const stub = new Stub({ bytesOf: (file) => file });
const lines: ScanLine[] = [];
for (let i = 0; i < 4000; i++) {
  const line = (await stub.examine({ file: `f${i}.jpg` })) as ScanLine;
  line.times.at = new Date(1e12 - i * 1000).toISOString();
  lines.push(line);
}
const old = lines.map((line) => oldLine(line)).filter((line) => line !== undefined);

test('files of each kind are drawn, each once, the same at each call', () => {
  const drawn = canaries(old, 50);
  const kinds = new Set(old.map(({ kind }) => kind));
  assert.is(kinds.size, 10);
  assert.is(drawn.length, 500);
  assert.is(new Set(drawn.map(({ file }) => file)).size, 500);
  for (const kind of kinds) assert.is(drawn.filter((line) => line.kind === kind).length, 50);
  assert.equal(canaries(old, 50), drawn);
  assert.is(canaries(old, 1e6).length, old.length);
});

test('only the kinds that changed are looked at again, oldest verdict first', () => {
  const drawn = canaries(old, 200);
  // The new weights turn what was a little above the threshold.
  const verdictOf = (file: string) => {
    const { kind, verdict } = old.find((line) => line.file === file) as (typeof old)[number];
    return kind.endsWith('0.5 to 0.6') ? 'nothing found' : verdict;
  };
  const kinds = judgeKinds(old, drawn, verdictOf, 0.02);
  const again = kinds.filter((kind) => kind.again);
  assert.equal(
    again.map(({ kind }) => kind),
    ['altered, 0.5 to 0.6'],
  );
  const { files, changed } = again[0];
  assert.is(changed, 200);
  const through = new Set(drawn.map(({ file }) => file));
  const list = toLookAtAgain(old, kinds, (file) => through.has(file));
  assert.is(list.length, files - 200);
  const numbers = list.map((file) => Number(file.match(/\d+/)?.[0]));
  assert.equal(
    numbers,
    [...numbers].sort((a, b) => b - a),
  ); // the later names are older
});

test('canaries that are the whole kind leave nothing to look at', () => {
  const kinds = judgeKinds(old, canaries(old, 1e6), () => 'altered', 0.02);
  assert.ok(kinds.every(({ again }) => !again));
  assert.is(kinds.find(({ kind }) => kind === 'nothing found, 0.1 to 0.2')?.atMost, 1);
});

test("Wilson's interval", () => {
  // The formula of Wilson (1927), computed elsewhere.
  const known = [
    [0, 200, 0.018845],
    [0, 50, 0.071348],
    [3, 100, 0.084514],
    [10, 10, 1],
  ] as const;
  for (const [hits, n, end] of known)
    assert.ok(Math.abs(upperEnd(hits, n) - end) < 2e-5, `${upperEnd(hits, n)}`);
});

test('copies are found though saved again or made smaller; other pictures are not', async () => {
  const copies = new Copies();
  const pictures = Array.from({ length: 40 }, (_, i) => drawnPicture(320, 240, i + 1));
  pictures.forEach((picture, i) => {
    const print = printOf(picture);
    assert.is(copies.nearest(print), null, `${i}`);
    copies.add({ file: `${i}`, print });
  });
  for (const i of [0, 7, 39]) {
    const saved = await throughJpeg(pictures[i], 60);
    const small = resize(pictures[i], 150, 113);
    for (const copy of [saved, small]) {
      const found = copies.nearest(printOf(copy));
      assert.is(found?.file, `${i}`);
    }
  }
});

test('of many hashes the nearest is found, as by comparing with all', () => {
  const random = new Random(3, 'hashes');
  const hash = () => Array.from({ length: 64 }, () => random.int(16).toString(16)).join('');
  const copies = new Copies();
  const all = Array.from({ length: 3000 }, (_, i) => {
    return { file: `/${'ä'.repeat(i % 90)}/${i}.jpg`, print: hash() };
  });
  for (const known of all) copies.add(known);
  for (const bits of [0, 1, 5, 12, 13]) {
    const { file, print } = all[random.int(all.length)];
    const turned = new Set<number>();
    while (turned.size < bits) turned.add(random.int(256));
    const digits = [...print].map((digit, i) => {
      const flips = [0, 1, 2, 3].map((k) => (turned.has(4 * i + k) ? 1 << k : 0));
      return (Number.parseInt(digit, 16) ^ flips.reduce((a, b) => a | b)).toString(16);
    });
    const other = digits.join('');
    assert.is(bitsBetween(other, print), bits);
    assert.equal(copies.nearest(other), bits <= 12 ? { file, bits } : null);
  }
});

test('the bits between two hashes', () => {
  assert.is(bitsBetween('0f'.repeat(32), '0f'.repeat(32)), 0);
  assert.is(bitsBetween('00'.repeat(32), `${'00'.repeat(31)}81`), 2);
  assert.is(bitsBetween('f'.repeat(64), '0'.repeat(64)), 256);
});
