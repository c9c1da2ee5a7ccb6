import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { stubIdentity } from '../../../bench/scan/stub.ts';
import { Died, Examination } from '../../../node/scan/examination.ts';
import { Ledger } from '../../../node/scan/ledger.ts';
import { scan } from '../../../node/scan/scan.ts';
import { failure, temporaryFolder } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';

const folder = temporaryFolder();
const path = resolve('dist/bench/scan/stub-child.js');
const files = Array.from({ length: 30 }, (_, i) => join(folder, `${i}.jpg`));
mkdirSync(folder, { recursive: true });
for (const file of files) writeFileSync(file, file);

test('a process that a file ends is started again, and the file given up', async () => {
  const said: string[] = [];
  const examination = await Examination.start({
    ...{ path, settings: { kills: '/(7|19)\\.jpg$', delay: 1 } },
    say: (line) => said.push(line),
  });
  const ledger = Ledger.open(join(folder, 'F.ndjson'), stubIdentity);
  const { complete } = await scan(examination, files, ledger, { identity: stubIdentity, pause: 0 });
  assert.ok(complete);
  assert.is(ledger.files, 30);
  const failed = files.filter((file) => ledger.entryOf(file)?.error);
  assert.equal(failed, [files[7], files[19]]);
  assert.match(ledger.entryOf(files[7])?.error ?? '', /given up after 3 tries: .*signal SIGSEGV/);
  assert.ok(ledger.entryOf(files[7])?.sha256);
  // Once in company each, or both at once, and three times alone.
  const ends = said.filter((line) => /ended: signal SIGSEGV/.test(line)).length;
  assert.ok(ends === 7 || ends === 8, String(ends));
  assert.is(said.filter((line) => line.startsWith('stub')).length, 1);
  ledger.close();
  await examination.close();
});

test('killed from outside, it is started again with the next file', async () => {
  const examination = await Examination.start({
    ...{ path, settings: { kills: '', delay: 20 }, say: () => {} },
  });
  const inHand = examination.examine({ file: files[0] });
  process.kill(examination.pid as number, 'SIGKILL');
  assert.instance(await failure(inHand), Died);
  const line = await examination.examine({ file: files[0] });
  assert.ok(line?.sha256);
  await examination.close();
  assert.match((await failure(examination.examine({ file: files[0] }))).message, /was stopped/);
});

test('one that ends again and again without an answer is an error', async () => {
  const examination = await Examination.start({
    ...{ path, settings: { kills: '.', delay: 0 }, say: () => {} },
  });
  for (let i = 0; i < 3; i++) {
    assert.instance(await failure(examination.examine({ file: files[0] })), Died);
  }
  const { message } = await failure(examination.examine({ file: files[0] }));
  assert.match(message, /ended 3 times in a row without looking at one/);
});
