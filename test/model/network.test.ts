/** The network as it is recorded, held to the parameters and shapes that are listed of it. */
import * as assert from 'uvu/assert';
import { openNodeGpu } from '../../node/gpu/open.ts';
import { type ConfigInput, parseConfig, TAPS } from '../../src/config/config.ts';
import { backward } from '../../src/graph/backward.ts';
import { Graph } from '../../src/graph/record.ts';
import { read, Tensor } from '../../src/graph/tensor.ts';
import { uploadCheckpoint } from '../../src/model/llsm/bind.ts';
import { forward, planOf } from '../../src/model/llsm/forward.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { network, tapOf } from '../../src/model/llsm/network.ts';
import { listParams, tapChannels, tapSize } from '../../src/model/llsm/params.ts';
import { Tape } from '../../src/model/llsm/tape.ts';
import { noiseBatch } from '../support/faces.ts';
import { test } from '../support/run.ts';

const configs: ConfigInput[] = [
  {},
  { size: 301, llsm: { head: 'linear', tap: 'e4' }, head: { source: 'both' } },
  { size: 112, width: 0.05, llsm: { head: 'absdiff' }, head: { source: 'encoder' } },
  { size: 64, width: 0.25, llsm: { head: 'bilinear' }, flm: false },
  { llsm: false },
];
for (const input of configs) {
  test(`what is recorded is what is listed: ${JSON.stringify(input)}`, () => {
    const config = parseConfig(input, 'test');
    const shapes = new Map(listParams(config).map(({ name, shape }) => [name, shape]));
    const asked = new Set<string>();
    const g = new Graph({ batch: 2, training: true, traits: { subgroupSize: 0 } });
    const tape = new Tape(g, config, (name) => {
      asked.add(name);
      return new Tensor(name, [...(shapes.get(name) as number[])], { home: 'weights' });
    });
    const { size } = config;
    const net = network(tape, read(g.input('image', [size, size, 3])));
    assert.equal([...asked].sort(), [...shapes.keys()].sort());
    for (const tap of TAPS) {
      const side = tapSize(config, tap);
      assert.equal(net.taps[tap].tensor.shape, [2, side, side, tapChannels(config, tap)], tap);
    }
    assert.equal(net.logit.tensor.shape, [2, 1, 1, 1]);
    assert.equal(net.mask?.tensor.shape, config.flm ? [2, size, size, 1] : undefined);
  });
}

test('the gradient of the logit by a feature map needs no more than a pass and a seed', async () => {
  const config = parseConfig({ width: 0.05, size: 64, llsm: { hidden: 8 } }, 'test');
  const gpu = await openNodeGpu();
  const store = uploadCheckpoint(gpu, initParams(config, 3));
  const pass = forward(new Graph({ batch: 2, training: false, traits: gpu }), config, store);
  const seed = pass.g.input('seed', [1, 1, 1]);
  const map = tapOf(pass, 'block11').value;
  const gradients = backward(pass.g, new Map([[pass.logit.tensor, seed]]), [map]);
  const gradient = gradients.of(map) as Tensor;
  gradient.keep = true;
  const plan = await planOf(gpu, pass);
  plan.write(pass.image, noiseBatch(2, config.size).image);
  plan.write(seed, Float32Array.of(1, 1));
  plan.run();
  const values = await plan.read(gradient);
  const side = tapSize(config, 'block11');
  assert.equal(gradient.shape, [2, side, side, tapChannels(config, 'block11')]);
  assert.ok(values.every(Number.isFinite) && values.some((value) => value !== 0));
  plan.destroy();
  store.destroy();
});
