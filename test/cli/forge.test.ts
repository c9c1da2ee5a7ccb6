import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { encodePng } from '../../node/files/image.ts';
import { decodeImage } from '../../src/image/codecs.ts';
import { llsm } from '../support/command.ts';
import { drawnPicture, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const pictures = temporaryFolder();
for (let i = 0; i < 6; i++) {
  writeFileSync(join(pictures, `p${i}x.png`), encodePng(drawnPicture(64, 64, i)));
}
const real = join(temporaryFolder(), 'real');
const size = ['--faces', 'whole', '--size', '64'];
const made = llsm(['data', 'folder', pictures, '--out', real, ...size, '--split', 'train']);
const out = join(temporaryFolder(), 'out');
const forge = (...args: string[]) => llsm(['forge', '--real', real, '--out', out, ...args]);

test('methods that are none, named twice or without a share are told: exit 2, nothing made', () => {
  assert.is(made.status, 0, made.stderr);
  for (const [methods, message] of [
    ['morph', /There is no method "morph"\. Known: self-blend, swap, parts/],
    ['swap,swap:2', /swap is named twice/],
    ['swap:0', /The share of swap must be a number above 0/],
    ['swap:', /The share of swap must be a number above 0/],
    ['self-blend,', /There is no method ""/],
  ] as const) {
    const { status, stderr, stdout } = forge('--methods', methods);
    assert.equal([status, stdout], [2, ''], methods);
    assert.match(stderr, message);
  }
  assert.not(existsSync(out));
});

test('a mixed set is made and counted by method, with a sheet; again, it is all there', () => {
  const sheet = join(temporaryFolder(), 'sheet.png');
  const methods = ['--methods', 'self-blend:2, swap,parts:1', '--per-image', '3'];
  const first = forge(...methods, '--sheet', sheet, '--json');
  assert.is(first.status, 0, first.stderr);
  const result = JSON.parse(first.stdout);
  assert.equal([result.written, result.kept, result.dropped], [36, 0, []]);
  assert.equal(Object.keys(result.methods), ['self-blend', 'swap', 'parts']);
  assert.ok(existsSync(sheet));
  const again = forge(...methods);
  const counts = Object.entries(result.methods).map(([method, count]) => `${method} ${count}`);
  assert.is(
    again.stdout,
    `${out}: 36 faces, half of them forged (${counts.join(', ')}); 36 were there before\n`,
  );
  const other = forge('--methods', 'swap', '--per-image', '3');
  assert.is(other.status, 1);
  assert.match(
    other.stderr,
    /was made with forging \{.*"methods":\{"self-blend":2,"swap":1,"parts":1\}/,
  );
});

test('as training forges at its end, degraded too: --config, --degrade; region, opacity and cue are told', async () => {
  const config = join(temporaryFolder(), 'run.json');
  const regions = { 'self-blend': { outside: 1 } };
  const train = {
    ...{ batch: 2, forge: { crop: 80 } },
    stages: [{ from: 8, forge: { methods: { 'self-blend': 1 }, regions, ratios: [0.5] } }],
  };
  writeFileSync(config, JSON.stringify({ size: 64, train }));
  const [plain, worse] = ['plain', 'worse'].map((name) => join(temporaryFolder(), name));
  for (const args of [[plain], [worse, '--degrade']]) {
    const made = llsm(['forge', '--real', real, '--config', config, '--out', ...args]);
    assert.is(made.status, 0, made.stderr);
  }
  const lines = readFileSync(join(plain, 'manifest.jsonl'), 'utf8').trimEnd().split('\n');
  const forged = lines.map((line) => JSON.parse(line)).filter(({ label }) => label === 1);
  assert.is(forged.length, 6);
  for (const { made } of forged) {
    assert.equal([made.region, made.ratio], ['outside', 0.5]);
    assert.ok(made.cue.length > 0);
  }
  // The run's own sizes: faces brought to its crop, of which its network sees the middle.
  const picture = await decodeImage(readFileSync(join(plain, forged[0].image)), 'a forged face');
  assert.equal([picture.width, picture.height], [64, 64]);
  const { side, view } = JSON.parse(readFileSync(join(plain, 'made.json'), 'utf8'));
  assert.equal([side, view], [80, 64]);
  // Those whose draw says so, and no others, are degraded.
  const same = forged.filter(({ image }) =>
    readFileSync(join(plain, image)).equals(readFileSync(join(worse, image))),
  );
  assert.ok(same.length < 6, `${same.length} are as they were`);
  const both = forge('--config', config, '--care', 'careless');
  assert.equal([both.status, both.stdout], [2, '']);
});
