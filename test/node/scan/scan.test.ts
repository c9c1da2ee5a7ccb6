import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { Stub, type StubOptions, stubIdentity } from '../../../bench/scan/stub.ts';
import { Died } from '../../../node/scan/examination.ts';
import { Gate } from '../../../node/scan/gate.ts';
import { Ledger } from '../../../node/scan/ledger.ts';
import { parseLine, type ScanLine } from '../../../node/scan/line.ts';
import { TryAgain } from '../../../node/scan/read.ts';
import { type ScanOptions, scan } from '../../../node/scan/scan.ts';
import { shardOf } from '../../../node/scan/task.ts';
import { failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const folder = temporaryFolder();
let made = 0;
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `f${i}.jpg`);
const bytesOf = (file: string) => file;

/** A scan with stub verdicts: each file's bytes are its name. */
async function run(
  files: string[],
  stub: StubOptions,
  options: Partial<ScanOptions> = {},
  out = join(folder, `${made++}.ndjson`),
) {
  const ledger = Ledger.open(out, stubIdentity);
  const examines = new Stub({ bytesOf, ...stub });
  try {
    const result = await scan(examines, files, ledger, {
      identity: stubIdentity,
      pause: 0,
      ...options,
    });
    return { ...result, out, looked: examines.looked, lines: read(out) };
  } finally {
    ledger.close();
  }
}
const read = (out: string): ScanLine[] =>
  readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => parseLine(text, out));

test('each file has a line, also where it is named twice; run again nothing is looked at', async () => {
  const files = names(50);
  const { lines, out, tally } = await run([...files, ...files], {});
  assert.equal(lines.map(({ file }) => file).sort(), files.sort());
  assert.is(tally.looked, 50);
  const again = await run(files, {}, {}, out);
  assert.equal([again.looked.length, again.tally.before, again.lines.length], [0, 50, 50]);
});

test('equal bytes are looked at once, told in the line, also while the first is in hand', async () => {
  const { lines, looked, tally } = await run(names(40), {
    ...{ delay: 2, parallel: 8 },
    bytesOf: (file) => String(Number(file.match(/\d+/)?.[0]) % 4),
  });
  assert.is(looked.length, 4);
  assert.equal([lines.length, tally.same], [40, 36]);
  for (const line of lines) {
    const first = lines.find(({ sha256 }) => sha256 === line.sha256) as ScanLine;
    assert.equal(line.sameAs, line === first ? null : { file: first.file, by: 'bytes' });
    assert.equal(line.faces, first.faces);
  }
});

test('files of the same pixels are looked at once, also while the first is in hand; told in the line', async () => {
  const files = names(40);
  const pixelsOf = (file: string) => String(Number(file.match(/\d+/)?.[0]) % 4);
  const { lines, looked, tally, out } = await run(files, { delay: 2, parallel: 8, pixelsOf });
  assert.is(looked.length, 4);
  assert.equal([lines.length, tally.looked, tally.same], [40, 4, 36]);
  for (const line of lines) {
    const first = lines.find(({ pixels }) => pixels === line.pixels) as ScanLine;
    assert.equal(line.sameAs, line === first ? null : { file: first.file, by: 'pixels' });
    assert.equal([line.faces, line.verdict], [first.faces, first.verdict]);
    assert.is(lines.filter(({ sha256 }) => sha256 === line.sha256).length, 1, 'its own bytes');
  }
  // Of other bytes again, in another run; and with the bytes of one that was not looked at itself.
  const more = await run(
    ['f100.jpg', 'f1.jpg', 'copy of f7.jpg'],
    {
      pixelsOf,
      bytesOf: (file) => file.replace('copy of ', ''),
    },
    {},
    out,
  );
  assert.equal([more.looked, more.tally.same, more.tally.before], [[], 2, 1]);
  const sources = more.lines.slice(-2).map(({ file, sameAs }) => [file, sameAs?.by]);
  assert.equal(sources.sort(), [
    ['copy of f7.jpg', 'pixels'],
    ['f100.jpg', 'pixels'],
  ]);
});

test('a file that kills does not hold up others of its pixels', async () => {
  const { lines } = await run(names(12), {
    ...{ parallel: 6, delay: 1, pixelsOf: () => 'one picture' },
    before: ({ file }) => {
      if (file === 'f0.jpg') throw new Died('it crashed');
    },
  });
  assert.equal(lines.map(({ file }) => file).sort(), names(12).sort());
  assert.equal(
    lines.filter(({ error }) => error).map(({ file }) => file),
    [],
  );
});

test('of several in hand when the process dies, only the one to blame is given up', async () => {
  for (const parallel of [1, 8]) {
    let deaths = 0;
    const { lines, tally, complete } = await run(names(30), {
      ...{ parallel, delay: 1 },
      before: ({ file }) => {
        if (file !== 'f3.jpg' && file !== 'f20.jpg') return;
        deaths++;
        throw new Died('it crashed');
      },
    });
    assert.ok(complete);
    assert.is(lines.length, 30);
    const failed = lines.filter(({ error }) => error);
    assert.equal(failed.map(({ file }) => file).sort(), ['f20.jpg', 'f3.jpg']);
    for (const { error, tries, sha256 } of failed) {
      assert.match(error?.message ?? '', /was given up after 3 tries: it crashed/);
      assert.is(tries, 3);
      assert.ok(sha256);
    }
    assert.equal([deaths, tally.unread], [8, 0]); // one in company each, three alone
  }
});

test('equal bytes of a file that kills: nobody waits for ever', async () => {
  const { lines } = await run(names(12), {
    ...{ parallel: 6, delay: 1 },
    bytesOf: (file) => String(Number(file.match(/\d+/)?.[0]) % 2),
    before: ({ file }) => {
      if (Number(file.match(/\d+/)?.[0]) % 2 === 1) throw new Died('it crashed');
    },
  });
  assert.equal(lines.map(({ file }) => file).sort(), names(12).sort());
  assert.is(lines.filter(({ error }) => error).length, 6);
});

test('a failure that passes is tried again; one that stays is a line, and worth another run', async () => {
  let left = 2;
  const { lines, tally } = await run(names(4), {
    before: ({ file }) => {
      if (file === 'f1.jpg' && left-- > 0) throw new TryAgain('the disk is busy');
      if (file === 'f2.jpg') throw new TryAgain('the disk is broken');
    },
  });
  const of = (name: string) => lines.find(({ file }) => file === name) as ScanLine;
  assert.is(of('f1.jpg').error, null);
  assert.match(
    of('f2.jpg').error?.message ?? '',
    /f2\.jpg was given up after 3 tries: the disk is broken/,
  );
  assert.equal([...tally.dropped], [['was given up after 3 tries: the disk is broken', 1]]);
});

test('stopped, what is in hand is finished; the rest comes with the next run', async () => {
  let seen = 0;
  const files = names(40);
  const first = await run(files, { delay: 1 }, { onLine: () => seen++, stop: () => seen >= 10 });
  assert.not.ok(first.complete);
  assert.ok(first.lines.length >= 10 && first.lines.length <= 14, String(first.lines.length));
  assert.is(first.lines.length, first.looked.length);
  const { lines, looked, complete } = await run(files, {}, {}, first.out);
  assert.ok(complete);
  assert.is(looked.length, 40 - first.looked.length);
  assert.equal(lines.map(({ file }) => file).sort(), files.sort());
});

test('--quick: a file that did not change is not read', async () => {
  const files = names(3).map((name) => join(folder, name));
  for (const file of files) writeFileSync(file, file);
  const out = join(folder, 'quick.ndjson');
  const ledger = Ledger.open(out, stubIdentity);
  const { statSync } = await import('node:fs');
  const withTime = new Stub({
    before: () => {},
  });
  const examine = withTime.examine.bind(withTime);
  withTime.examine = async (task, wanted) => {
    const line = await examine(task, wanted);
    return line && { ...line, modified: Math.floor(statSync(task.file).mtimeMs) };
  };
  await scan(withTime, files, ledger, { identity: stubIdentity });
  ledger.close();
  writeFileSync(
    files[1],
    'longer than it was before, by a good deal, whatever the clock says of it',
  );
  let reads = 0;
  const counted = (file: string) => {
    reads++;
    return readFileSync(file);
  };
  const again = await run(files, { bytesOf: counted }, { quick: true }, out);
  assert.equal([reads, again.tally.before, again.tally.looked], [1, 2, 1]);
});

test('what the disk refuses stops the scan', async () => {
  const ledger = Ledger.open(join(folder, 'full.ndjson'), stubIdentity);
  ledger.append = () => {
    throw new Error('no space left');
  };
  const work = scan(new Stub({ bytesOf }), names(100), ledger, { identity: stubIdentity });
  assert.match((await failure(work)).message, /no space left/);
  ledger.close();
});

test('shards share the files out, each to one', () => {
  const counts = [0, 0, 0];
  for (const file of names(3000)) counts[shardOf(file, 3) - 1]++;
  for (const count of counts) assert.ok(count > 900 && count < 1100, String(counts));
});

test('a gate holds its bound, lets all in, and what is too large goes alone', async () => {
  const gate = new Gate(100);
  let [inside, most, largest] = [0, 0, 0];
  await Promise.all(
    Array.from({ length: 60 }, async (_, i) => {
      const bytes = i % 10 === 0 ? 250 : 7 * (1 + (i % 5));
      const leave = await gate.enter(bytes);
      inside += bytes;
      if (bytes === 250) assert.is(inside, 250);
      else most = Math.max(most, inside);
      largest = Math.max(largest, inside);
      await new Promise((resolve) => setTimeout(resolve, i % 3));
      inside -= bytes;
      leave();
      leave();
    }),
  );
  assert.ok(most <= 100 && most > 50, String(most));
  assert.equal([inside, largest], [0, 250]);
});
