import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readTuned, tunedFile, writeTuned } from '../../../node/gpu/tuned.ts';
import type { Gpu } from '../../../src/gpu/device.ts';
import { menuVersion } from '../../../src/kernels/conv/version.ts';
import { test } from '../../support/run.ts';

/** As much of an adapter as the cache looks at. */
const adapter = (description: string): Pick<Gpu, 'device'> => {
  const adapterInfo = { vendor: 'v', architecture: 'a', device: 'd', description };
  return { device: { adapterInfo } as GPUDevice };
};
const [one, other] = [adapter('driver 1'), adapter('driver 2')];

/** Runs with a cache folder of its own, which does not exist at first. */
function inCache(f: () => void): void {
  const before = process.env.LLSM_CACHE;
  const root = mkdtempSync(join(tmpdir(), 'llsm-tuned-'));
  process.env.LLSM_CACHE = join(root, 'not', 'there');
  try {
    f();
  } finally {
    if (before === undefined) delete process.env.LLSM_CACHE;
    else process.env.LLSM_CACHE = before;
    rmSync(root, { recursive: true });
  }
}

test('what was measured is read again, by adapter', () =>
  inCache(() => {
    assert.equal(readTuned(one, 'k'), { forms: new Map() });
    assert.is(writeTuned(one, 'k', new Map([['shape', 'form']])), tunedFile());
    writeTuned(other, 'k', new Map([['shape', 'another']]));
    writeTuned(one, 'k', new Map([['second', 'form 2']]));
    assert.equal(
      [...readTuned(one, 'k').forms],
      [
        ['shape', 'form'],
        ['second', 'form 2'],
      ],
    );
    assert.equal([...readTuned(other, 'k').forms], [['shape', 'another']]);
    assert.is(readTuned(adapter('driver 3'), 'k').forms.size, 0);
  }));

test('what was measured of other kernels is ignored, with a note, and then replaced', () =>
  inCache(() => {
    writeTuned(one, 'old', new Map([['shape', 'form']]));
    const stale = readTuned(one, 'new');
    assert.is(stale.forms.size, 0);
    assert.match(stale.note ?? '', /tuned\.json: measured on .* kernels that have changed/);
    writeTuned(one, 'new', new Map([['second', 'form 2']]));
    assert.equal(readTuned(one, 'new'), { forms: new Map([['second', 'form 2']]) });
  }));

for (const [what, text, note] of [
  ['no JSON', '{"format": 1, "adap', /tuned\.json is not JSON/],
  ['another format', '{"format": 2, "adapters": {}}', /tuned\.json: format: /],
  ['forms that are no names', '{"format":1,"adapters":{"x":{"forms":{"a":3}}}}', /adapters\.x/],
] as const) {
  test(`a file that is broken is ignored, with a note, and then replaced: ${what}`, () =>
    inCache(() => {
      writeTuned(one, 'k', new Map());
      writeFileSync(tunedFile(), text);
      const broken = readTuned(one, 'k');
      assert.is(broken.forms.size, 0);
      assert.match(broken.note ?? '', note);
      assert.match(broken.note ?? '', /it is ignored \(`llsm bench --tune`/);
      writeTuned(one, 'k', new Map([['shape', 'form']]));
      assert.equal(readTuned(one, 'k'), { forms: new Map([['shape', 'form']]) });
    }));
}

test('a cache that cannot be made is an error that names what to set', () =>
  inCache(() => {
    const file = join(process.env.LLSM_CACHE ?? '', '..');
    assert.not.ok(existsSync(file));
    writeFileSync(file, 'a file where a folder should be');
    assert.throws(() => writeTuned(one, 'k', new Map()), /cannot be made.*set LLSM_CACHE/s);
    assert.is(readFileSync(file, 'utf8'), 'a file where a folder should be');
  }));

test('the version of the menu is a hash of its shaders', () => {
  assert.match(menuVersion, /^[0-9a-f]{8}$/);
});
