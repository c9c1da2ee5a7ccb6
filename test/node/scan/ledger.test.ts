import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { stubIdentity } from '../../../bench/scan/stub.ts';
import { Ledger } from '../../../node/scan/ledger.ts';
import { emptyLine, type ScanLine, textOf } from '../../../node/scan/line.ts';
import { LlsmError } from '../../../src/base/errors.ts';
import { failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const folder = temporaryFolder();
let made = 0;
const path = () => join(folder, `${made++}.ndjson`);

const line = (file: string, byte = '1', of = stubIdentity): ScanLine => ({
  ...emptyLine(file, 'image', of, { value: 0.5, rule: 'test' }),
  sha256: byte.repeat(64),
  verdict: 'no face found',
});

test('what was appended is known again, by file and by bytes', () => {
  const out = path();
  const first = Ledger.open(out, stubIdentity);
  assert.ok(first.append(line('ä.jpg', 'a')));
  assert.not.ok(first.append(line('ä.jpg', 'a')), 'the same line twice');
  assert.ok(first.append(line('b.jpg', 'b')));
  first.close();
  const again = Ledger.open(out, stubIdentity);
  assert.is(again.files, 2);
  assert.is(again.entryOf('ä.jpg')?.sha256, 'a'.repeat(64));
  assert.is(again.lineOf('b'.repeat(64))?.file, 'b.jpg');
  assert.is(again.lineOf('c'.repeat(64)), undefined);
  assert.not.ok(again.append(line('b.jpg', 'b')));
  again.close();
  assert.is(readFileSync(out, 'utf8').split('\n').length, 3);
});

test('two hashes that begin alike are two: the second is looked at again, no more', () => {
  const ledger = Ledger.open(path(), stubIdentity);
  const alike = (end: string) => 'a'.repeat(40) + end.repeat(24);
  ledger.append({ ...line('a.jpg'), sha256: alike('1') });
  assert.is(ledger.lineOf(alike('2')), undefined);
  ledger.append({ ...line('b.jpg'), sha256: alike('2') });
  assert.is(ledger.lineOf(alike('1'))?.file, 'a.jpg');
  assert.is(ledger.lineOf(alike('2')), undefined);
  assert.equal(
    ['a.jpg', 'b.jpg'].map((file) => ledger.entryOf(file)?.sha256),
    [alike('1'), alike('2')],
  );
  ledger.close();
});

test('pixels are known again by the line that was looked at', () => {
  const out = path();
  const ledger = Ledger.open(out, stubIdentity);
  const pixels = 'e'.repeat(64);
  ledger.append({ ...line('a.jpg', 'a'), pixels });
  ledger.append({ ...line('b.jpg', 'b'), pixels, sameAs: { file: 'a.jpg', by: 'pixels' } });
  ledger.close();
  const again = Ledger.open(out, stubIdentity);
  assert.is(again.lineOf(pixels)?.file, 'a.jpg');
  again.close();
});

test('a long line is read back whole', () => {
  const out = path();
  const ledger = Ledger.open(out, stubIdentity);
  const long = line(`${'x'.repeat(40_000)}.jpg`, 'c');
  ledger.append(long);
  ledger.append(line('d.jpg', 'd'));
  assert.is(ledger.lineOf('c'.repeat(64))?.file, long.file);
  ledger.close();
});

test('a torn last line is cut off, wherever it was torn', () => {
  const whole = textOf(line('a.jpg', 'a'));
  const torn = textOf(line('ö.jpg', 'b'));
  const { length } = Buffer.from(torn);
  for (const keep of [1, 20, length - 2, length - 1]) {
    const out = path();
    writeFileSync(out, whole);
    appendFileSync(out, Buffer.from(torn).subarray(0, keep));
    const ledger = Ledger.open(out, stubIdentity);
    assert.is(ledger.cut, keep);
    assert.is(ledger.files, 1);
    ledger.append(line('c.jpg', 'c'));
    ledger.close();
    const lines = readFileSync(out, 'utf8').trimEnd().split('\n');
    assert.equal(
      lines.map((text) => JSON.parse(text).file),
      ['a.jpg', 'c.jpg'],
    );
  }
});

test('lines of other weights are left alone, and do not count', async () => {
  const out = path();
  const other = { weights: 'f'.repeat(64), settings: 'stub' };
  const before = Ledger.open(out, other);
  before.append(line('a.jpg', 'a', other));
  before.close();
  const ledger = Ledger.open(out, stubIdentity);
  assert.is(ledger.files, 0);
  assert.ok(ledger.append(line('a.jpg', 'a')));
  assert.match(
    (await failure(() => ledger.append(line('b.jpg', 'b', other)))).message,
    /other weights/,
  );
  ledger.close();
  assert.is(readFileSync(out, 'utf8').trimEnd().split('\n').length, 2);
});

test('a file that could not be read may be told of again, but not in the same words', () => {
  const ledger = Ledger.open(path(), stubIdentity);
  const unread = (message: string): ScanLine => ({
    ...line('a.jpg'),
    ...{ sha256: null, verdict: null, error: { message } },
  });
  assert.ok(ledger.append(unread('gone')));
  assert.not.ok(ledger.append(unread('gone')));
  assert.ok(ledger.append(unread('busy')));
  assert.ok(ledger.append(line('a.jpg')));
  ledger.close();
});

test('a verdict replaces the lack of one, and not the other way round', () => {
  const ledger = Ledger.open(path(), stubIdentity);
  const given = { ...line('a.jpg'), verdict: null, error: { message: 'it was given up' } };
  assert.ok(ledger.append(given));
  assert.ok(ledger.append(line('a.jpg')));
  assert.is(ledger.lineOf('1'.repeat(64))?.error, null);
  assert.not.ok(ledger.append(given));
  assert.ok(ledger.append(line('b.jpg')));
  assert.is(ledger.lineOf('1'.repeat(64))?.file, 'a.jpg');
  ledger.close();
});

test('what is no output of a scan is refused, untouched; so is one that another process holds', async () => {
  const out = path();
  writeFileSync(out, '{"file": 3}\n');
  const error = await failure(() => Ledger.open(out, stubIdentity));
  assert.instance(error, LlsmError);
  assert.match(error.message, /ndjson, line 1, is no line of a scan: file: /);
  assert.is(readFileSync(out, 'utf8'), '{"file": 3}\n');
  assert.not.ok(existsSync(`${out}.lock`));
  const held = Ledger.open(path(), stubIdentity);
  assert.match(
    (await failure(() => Ledger.open(held.path, stubIdentity))).message,
    /is held by process/,
  );
  held.close();
});

test('a full disk leaves whole lines', async () => {
  const out = path();
  const ledger = Ledger.open(out, stubIdentity);
  ledger.append(line('a.jpg', 'a'));
  const { size } = statSync(out);
  const { default: fs } = await import('node:fs');
  const { syncBuiltinESMExports } = await import('node:module');
  const { writeSync } = fs;
  fs.writeSync = ((file: number, bytes: Buffer, at: number, _: number, place: number) => {
    writeSync(file, bytes, at, 10, place);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  }) as unknown as typeof writeSync;
  syncBuiltinESMExports();
  try {
    const error = await failure(() => ledger.append(line('b.jpg', 'b')));
    assert.match(error.message, /cannot be written: no space left on device/);
  } finally {
    fs.writeSync = writeSync;
    syncBuiltinESMExports();
  }
  assert.is(statSync(out).size, size);
  assert.ok(ledger.append(line('b.jpg', 'b')), 'there is space again');
  ledger.close();
  assert.is(readFileSync(out, 'utf8').trimEnd().split('\n').length, 2);
});
