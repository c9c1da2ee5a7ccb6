import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { loadConfig } from '../../node/files/config.ts';
import { LlsmError } from '../../src/base/errors.ts';
import {
  type Config,
  differingKeys,
  PRESETS,
  parseConfig,
  presetConfig,
} from '../../src/config/config.ts';
import { skip, test } from '../support/run.ts';

const paper = parseConfig({}, 'test');

function refuses(value: unknown, ...patterns: RegExp[]) {
  try {
    parseConfig(value, 'c.json');
  } catch (error) {
    assert.instance(error, LlsmError);
    const { message } = error as LlsmError;
    assert.match(message, /^c\.json: /);
    for (const pattern of patterns) assert.match(message, pattern);
    return;
  }
  assert.unreachable(`${JSON.stringify(value)} was accepted`);
}

test('the defaults are the paper', () => {
  assert.equal(paper, {
    size: 224,
    width: 1,
    bnEps: 1e-5,
    poolPad: 'torch',
    llsm: { tap: 'block7', head: 'mlp', hidden: 64, pairs: 'all' },
    residual: false,
    flm: true,
    maskPrior: false,
    head: { source: 'decoder' },
    loss: { alpha: 0.5, beta: 0.5, mask: 'bce' },
    train: {
      lr: 1e-4,
      batch: 32,
      accumulate: 1,
      iterations: 200,
      epochs: 20,
      seed: 0,
      balance: true,
      augment: false,
      forge: false,
      stages: [],
      ema: false,
      warmup: 0,
      schedule: 'constant',
      floor: 0.1,
      precision: 'f32',
    },
  });
  assert.equal(presetConfig('paper'), paper);
});

test('every preset is whole, and survives JSON', () => {
  for (const name of Object.keys(PRESETS)) {
    const config = presetConfig(name);
    assert.equal(parseConfig(JSON.parse(JSON.stringify(config)), name), config);
  }
});

test("the presets of Table IV differ from the paper's config in their parts alone", () => {
  const parts = (name: string) => differingKeys(presetConfig(name), paper);
  const llsm = ['llsm', 'llsm.tap', 'llsm.head', 'llsm.hidden', 'llsm.pairs'];
  assert.equal(parts('baseline').sort(), ['flm', 'head.source', ...llsm].sort());
  assert.equal(parts('+llsm').sort(), ['flm', 'head.source']);
  assert.equal(parts('+flm').sort(), [...llsm].sort());
});

test('small is narrow, augmented and has a rate of its own', () => {
  const { width, train } = presetConfig('small');
  assert.is(width, 0.25);
  assert.is(train.lr, 1e-3);
  assert.ok(train.augment && train.augment.flip > 0);
});

test('augment true means its defaults', () => {
  const { train } = parseConfig({ train: { augment: true } }, 'test');
  assert.equal(train.augment, presetConfig('small').train.augment);
});

test('without FLM the head reads the encoder', () => {
  const config = parseConfig({ flm: false, head: { source: 'both' } }, 'test');
  assert.is(config.head.source, 'encoder');
});

test('an unknown key is named with its path and the key that was meant', () => {
  refuses({ widht: 1 }, /unknown key widht; did you mean width\?/);
  refuses(
    { train: { leraning: 1, batchs: 2 } },
    /unknown key train\.batchs; did you mean train\.batch\?/,
  );
  refuses({ llsm: { hiden: 3 } }, /unknown key llsm\.hiden; did you mean llsm\.hidden\?/);
  refuses({ lr: 1 }, /unknown key lr; did you mean train\.lr\?/);
  refuses({ loss: { zzzzzzzz: 1 } }, /unknown key loss\.zzzzzzzz; known here: alpha, beta/);
});

test('a wrong value is named with its path and what it is', () => {
  refuses({ size: 63 }, /size: .*64.*it is 63/);
  refuses({ size: 100.5 }, /size: .*it is 100\.5/);
  refuses({ width: 0.01 }, /width: .*it is 0\.01/);
  refuses({ llsm: true }, /llsm: .*false.*it is true/);
  refuses({ llsm: { tap: 'block13' } }, /llsm\.tap: .*block13/);
  refuses({ llsm: { pairs: 0 } }, /llsm\.pairs: .*it is 0/);
  refuses({ llsm: { pairs: 'some' } }, /llsm\.pairs: .*all.*it is "some"/);
  refuses({ loss: { alpha: 2 } }, /loss\.alpha: .*it is 2/);
  refuses({ train: { lr: 0 } }, /train\.lr: .*it is 0/);
  refuses({ train: { lr: Number.NaN } }, /train\.lr: /);
  refuses({ train: { batch: 30, accumulate: 4 } }, /train\.batch \(30\).*train\.accumulate \(4\)/);
  refuses({ train: { precision: 'f16', accumulate: 2 } }, /precision f16 .*accumulate 1/);
  refuses({ train: { augment: 3 } }, /train\.augment: .*false.*it is 3/);
  refuses({ train: { augment: { flip: 2 } } }, /train\.augment\.flip: .*it is 2/);
  refuses({ train: { augment: { filp: 1 } } }, /unknown key train\.augment\.filp; .*augment\.flip/);
  refuses({ size: 1, flm: 3 }, /size: /, /flm: /);
  refuses(null, /expected object/);
  refuses([], /expected object/);
});

test('a config is loaded by preset or by file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llsm-config-'));
  try {
    assert.equal(loadConfig('small'), presetConfig('small'));
    const path = join(folder, 'mine.json');
    writeFileSync(path, '{"size": 112}');
    assert.equal(differingKeys(loadConfig(path), paper), ['size']);
    writeFileSync(path, '{"size": 112');
    assert.throws(() => loadConfig(path), /mine\.json: not JSON/);
    writeFileSync(path, '{"sise": 112}');
    assert.throws(() => loadConfig(path), /mine\.json: unknown key sise; did you mean size/);
    assert.throws(() => loadConfig('smal'), /neither a preset .*did you mean small/);
    assert.throws(() => loadConfig(folder), /neither a preset .* nor a readable file/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("test/torch/config.py has the same keys and defaults, so that PyTorch opens today's checkpoints", () => {
  const script = 'import json, config; print(json.dumps(config.complete({})))';
  const python = spawnSync('python3', ['-c', script], { cwd: 'test/torch', encoding: 'utf8' });
  if (python.error) skip('python3 is not installed');
  assert.is(python.status, 0, python.stderr);
  assert.equal(JSON.parse(python.stdout), paper);
});

test('train.forge and train.stages: defaults, shares, what a stage changes, and what is refused', () => {
  const parse = (train: object) => parseConfig({ train }, 'test').train;
  assert.is(parse({}).forge, false);
  const forge = parse({ forge: true }).forge as Exclude<Config['train']['forge'], false>;
  assert.equal(Object.keys(forge.methods), ['self-blend', 'swap', 'parts', 'generator']);
  const own = parse({ forge: { methods: { swap: 1 } } }).forge as typeof forge;
  assert.equal(own.methods, { swap: 1 });
  // A stage has no defaults of its own: what it does not name stays.
  const { stages } = parse({ forge: true, stages: [{ from: 5, forge: { vary: 0 } }] });
  assert.equal(stages[0].forge, { vary: 0 });
  for (const [train, message] of [
    [{ forge: { methods: { morph: 1 } } }, /morph/],
    [{ forge: { methods: { swap: 0 } } }, /has no share above 0/],
    [
      { forge: { colours: 1 } },
      /unknown key train\.forge\.colours; did you mean train\.forge\.colour/,
    ],
    [{ forge: true, batch: 3 }, /train\.batch \(3\) must be even with train\.forge/],
    [{ forge: { crop: 200 } }, /train\.forge\.crop \(200\) must be at least size \(224\)/],
    [{ stages: [{ from: 2 }, { from: 1 }] }, /in the order of `from`/],
    [{ stages: [{ from: 2, lrs: 1 }] }, /unknown key train\.stages\.0\.lrs/],
    [{ ema: 2 }, /train\.ema/],
  ] as const) {
    assert.throws(() => parse(train), message);
  }
});
