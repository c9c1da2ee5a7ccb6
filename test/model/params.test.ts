import * as assert from 'uvu/assert';
import { type Config, type ConfigInput, parseConfig, type Tap } from '../../src/config/config.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { channels, listParams, sizeOf, tapChannels, tapSize } from '../../src/model/llsm/params.ts';
import { test } from '../support/run.ts';

const config = (input: ConfigInput = {}): Config => parseConfig(input, 'test');
const shapes = (input: ConfigInput) =>
  new Map(listParams(config(input)).map(({ name, shape }) => [name, shape.join('x')]));

test('the encoder at width 1 is legacy_xception', () => {
  const encoder = listParams(config()).filter(({ name }) => name.startsWith('encoder.'));
  const trained = encoder.filter(({ kind }) => kind === 'weight');
  assert.is(
    trained.reduce((n, { shape }) => n + sizeOf(shape), 0),
    20_806_952,
  );
  // The port has 236 tensors with its two of fc.
  assert.is(encoder.length, 234);
  const map = shapes({});
  assert.is(map.get('encoder.conv1.weight'), '32x3x3x3');
  assert.is(map.get('encoder.block1.rep.0.conv1.weight'), '64x1x3x3');
  assert.is(map.get('encoder.block1.rep.3.pointwise.weight'), '128x128x1x1');
  assert.is(map.get('encoder.block2.rep.1.pointwise.weight'), '256x128x1x1');
  assert.is(map.get('encoder.block7.rep.8.running_var'), '728');
  assert.is(map.get('encoder.block12.rep.1.pointwise.weight'), '728x728x1x1');
  assert.is(map.get('encoder.block12.rep.4.pointwise.weight'), '1024x728x1x1');
  assert.is(map.get('encoder.block12.skip.weight'), '1024x728x1x1');
  assert.not(map.has('encoder.block4.skip.weight'));
  assert.is(map.get('encoder.conv4.conv1.weight'), '1536x1x3x3');
  assert.is(map.get('encoder.bn4.bias'), '2048');
  assert.equal(
    encoder.slice(10, 17).map(({ name }) => name.slice('encoder.'.length)),
    [
      'block1.skip.weight',
      'block1.skipbn.weight',
      'block1.skipbn.bias',
      'block1.skipbn.running_mean',
      'block1.skipbn.running_var',
      'block1.rep.0.conv1.weight',
      'block1.rep.0.pointwise.weight',
    ],
  );
});

test('names are unique, and only running statistics are untrained', () => {
  for (const head of ['linear', 'mlp', 'absdiff', 'bilinear'] as const) {
    const specs = listParams(config({ llsm: { head } }));
    assert.is(new Set(specs.map(({ name }) => name)).size, specs.length);
    for (const { name, kind } of specs) {
      assert.is(kind === 'state', /running_(mean|var)$/.test(name), name);
    }
  }
});

test('the width rounds channels to multiples of 8, at least 8', () => {
  assert.is(channels(1, 728), 728);
  assert.is(channels(0.25, 728), 184);
  assert.is(channels(0.25, 32), 8);
  assert.is(channels(0.05, 64), 8);
  assert.is(channels(0.5, 728), 368);
  assert.is(channels(0.1, 128), 16);
  const map = shapes({ width: 0.25 });
  assert.is(map.get('encoder.conv1.weight'), '8x3x3x3');
  assert.is(map.get('llsm.pair.weight'), '64x184x2x1');
  assert.is(map.get('flm.reduce.weight'), '64x512x1x1');
});

test('the taps have the channels and sizes of Xception', () => {
  const at = (size: number) =>
    (['e1', 'e2', 'e3', 'block3', 'block7', 'e4', 'block12', 'e5'] as Tap[]).map((tap) =>
      tapSize(config({ size }), tap),
    );
  assert.equal(at(224), [109, 55, 28, 14, 14, 14, 7, 7]);
  assert.equal(at(256), [125, 63, 32, 16, 16, 16, 8, 8]);
  assert.equal(at(299), [147, 74, 37, 19, 19, 19, 10, 10]);
  const wide = (['e1', 'e2', 'block2', 'e4', 'block12', 'e5'] as Tap[]).map((tap) =>
    tapChannels(config(), tap),
  );
  assert.equal(wide, [64, 128, 256, 728, 1024, 2048]);
});

test('the pair heads have the tensors of their formulas', () => {
  const of = (head: 'linear' | 'mlp' | 'absdiff' | 'bilinear') =>
    Object.fromEntries([...shapes({ llsm: { head } })].filter(([name]) => /^llsm/.test(name)));
  assert.equal(of('linear'), { 'llsm.pair.weight': '1x728x2x1', 'llsm.pair.bias': '1' });
  assert.equal(of('mlp'), {
    'llsm.pair.weight': '64x728x2x1',
    'llsm.pair.bias': '64',
    'llsm.out.weight': '1x64x1x1',
    'llsm.out.bias': '1',
  });
  assert.equal(of('absdiff'), { 'llsm.diff.weight': '1x728x1x1', 'llsm.diff.bias': '1' });
  assert.equal(of('bilinear'), {
    'llsm.theta.weight': '64x728x1x1',
    'llsm.phi.weight': '64x728x1x1',
    'llsm.bias': '1',
  });
});

test('the decoder joins the stage before with its skip', () => {
  const map = shapes({});
  assert.is(map.get('flm.stage4.sep1.conv1.weight'), '984x1x3x3'); // 256 + 728
  assert.is(map.get('flm.stage4.attn.conv.weight'), '256x256x4x4');
  assert.is(map.get('flm.stage3.sep1.pointwise.weight'), '128x512x1x1'); // 256 + 256
  assert.is(map.get('flm.stage1.sep1.conv1.weight'), '128x1x3x3'); // 64 + 64
  assert.is(map.get('flm.stage1.attn.conv.weight'), '32x64x4x4');
  assert.is(map.get('flm.stage1.attn.fc.bias'), '32');
  assert.is(map.get('flm.mask.weight'), '1x32x1x1');
});

test("the head is as wide as what it pools, and an ablation leaves its part's tensors out", () => {
  const input = (value: ConfigInput) => shapes(value).get('head.fc.weight');
  assert.is(input({}), '1x32');
  assert.is(input({ head: { source: 'both' } }), '1x2080');
  assert.is(input({ head: { source: 'encoder' } }), '1x2048');
  assert.is(input({ flm: false }), '1x2048');
  const baseline = [...shapes({ flm: false, llsm: false }).keys()];
  assert.not(baseline.some((name) => /^(flm|llsm)\./.test(name)));
});

test('initial values follow their distributions, and the seed alone', () => {
  const narrow = config({ width: 0.25 });
  const { tensors } = initParams(narrow, 7);
  assert.equal(
    [...tensors.keys()],
    listParams(narrow).map(({ name }) => name),
  );
  const moments = (name: string) => {
    const data = tensors.get(name)?.data as Float32Array;
    const mean = data.reduce((sum, v) => sum + v, 0) / data.length;
    return {
      mean,
      variance: data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / data.length,
      data,
    };
  };
  const near = (value: number, wanted: number, share: number) =>
    assert.ok(Math.abs(value / wanted - 1) < share, `${value} is not near ${wanted}`);
  // n = 33,856 and 1,656: the variance of a normal sample's variance is 2/n.
  near(moments('encoder.block5.rep.1.pointwise.weight').variance, 2 / 184, 0.04);
  near(moments('encoder.block5.rep.1.conv1.weight').variance, 2 / 9, 0.15);
  const pair = moments('llsm.pair.weight');
  near(pair.variance, 1 / (2 * 184) / 3, 0.05);
  assert.ok(pair.data.every((v) => Math.abs(v) <= 1 / Math.sqrt(2 * 184) + 1e-7));
  near(Math.max(...pair.data), 1 / Math.sqrt(2 * 184), 0.01);
  const attn = moments('flm.stage4.attn.conv.weight');
  near(attn.variance, 1 / (64 * 16) / 3, 0.05);
  assert.ok(moments('flm.stage4.attn.conv.bias').data.every((v) => v === 0));
  // The mask begins at its prior, about an eighth, and not at a half.
  assert.equal([...moments('flm.mask.bias').data], [-2]);
  assert.ok(moments('encoder.bn1.weight').data.every((v) => v === 1));
  assert.ok(moments('encoder.bn1.running_mean').data.every((v) => v === 0));
  assert.ok(moments('encoder.bn1.running_var').data.every((v) => v === 1));

  const name = 'encoder.conv2.weight';
  const again = initParams(config({ width: 0.25, llsm: false, flm: false }), 7);
  const other = initParams(config({ width: 0.25, llsm: false, flm: false }), 8);
  assert.equal(again.tensors.get(name)?.data, tensors.get(name)?.data);
  assert.not.equal(other.tensors.get(name)?.data, tensors.get(name)?.data);
});
