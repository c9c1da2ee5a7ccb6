import * as assert from 'uvu/assert';
import { LlsmError } from '../../src/base/errors.ts';
import { backward } from '../../src/graph/backward.ts';
import type { Gradients } from '../../src/graph/gradients.ts';
import { Graph } from '../../src/graph/record.ts';
import { Tensor } from '../../src/graph/tensor.ts';
import { test } from '../support/run.ts';

const newGraph = (): Graph => new Graph({ batch: 2, training: true, traits: { subgroupSize: 0 } });
const weight = (name: string, offset: number): Tensor =>
  new Tensor(name, [3], { home: 'weights', offset });

/** Records an operation that notes its visit and contributes to each wanted input's gradient. */
function op(g: Graph, name: string, inputs: Tensor[], visits: string[]): Tensor {
  const out = g.activation(name, [4]);
  g.op(inputs, out, (dOut, gradients) => {
    const parts = inputs
      .filter((input) => gradients.wants(input))
      .map((input) => {
        const { gradient, accumulate } = gradients.into(input);
        assert.equal(gradient.shape, input.shape);
        return `${accumulate ? '+' : ''}${input.name}`;
      });
    visits.push(`${name}(${dOut.name}): ${parts.join(' ')}`);
  });
  return out;
}

const seed = (tensor: Tensor): Map<Tensor, Tensor> =>
  new Map([[tensor, new Tensor(`d ${tensor.name}`, tensor.shape, { batched: true })]]);

test('visits operations backwards, and only those on a path from wrt to the seed', () => {
  const g = newGraph();
  const visits: string[] = [];
  const x = g.input('x', [4]);
  const [v, w, u] = [weight('v', 0), weight('w', 64), weight('u', 128)];
  const a = op(g, 'a', [x, v], visits);
  const b = op(g, 'b', [a, w], visits);
  const side = op(g, 'side', [a, u], visits);
  const c = op(g, 'c', [b], visits);
  op(g, 'after', [c, side], visits);
  const gradients = backward(g, seed(c), [w]);
  assert.equal(visits, ['c(d c): b', 'b(d b): w']);
  assert.ok(gradients.wants(b) && gradients.wants(w) && !gradients.wants(a) && !gradients.wants(v));
  assert.is(gradients.of(a), undefined);
  assert.is(gradients.of(w)?.home, 'grads');
});

test('the first contribution stores, later ones add', () => {
  const g = newGraph();
  const visits: string[] = [];
  const x = g.input('x', [4]);
  const w = weight('w', 64);
  const a = op(g, 'a', [x, w], visits);
  const b = op(g, 'b', [a], visits);
  const c = op(g, 'c', [a, b], visits);
  const gradients = backward(g, seed(c), [w, x]);
  assert.equal(visits, ['c(d c): a b', 'b(d b): +a', 'a(d a): x w']);
  const dW = gradients.of(w);
  assert.is(dW?.options.offset, 64, 'a gradient lies where its weight does');
  assert.is(gradients.of(x)?.home, 'temp');
  assert.ok(gradients.of(x)?.batched);
});

test('several seeds, one of which another gradient is added to', () => {
  const g = newGraph();
  const visits: string[] = [];
  const x = g.input('x', [4]);
  const a = op(g, 'a', [x], visits);
  const b = op(g, 'b', [a], visits);
  const seeds = new Map([...seed(a), ...seed(b)]);
  const gradients = backward(g, seeds, [x]);
  assert.equal(visits, ['b(d b): +a', 'a(d a): x']);
  assert.is(gradients.of(a), seeds.get(a));
});

test('alias passes a gradient on where it is the first, and own refuses to share', () => {
  const g = newGraph();
  const x = g.input('x', [4]);
  const w = weight('w', 0);
  const out = g.activation('out', [4]);
  const d = new Tensor('d', [2, 4], { batched: true });
  let seen: Gradients | undefined;
  g.op([x, w], out, (_, gradients) => {
    seen = gradients;
    assert.ok(gradients.alias(x, d));
    assert.is(gradients.of(x), d);
    assert.not(gradients.alias(x, new Tensor('other', [2, 4])));
    assert.equal(gradients.into(x), { gradient: d, accumulate: true });
    gradients.own(w);
  });
  backward(g, seed(out), [x, w]);
  assert.throws(() => seen?.own(w), /w is read by two operations/);
});

test('a seed and a gradient that was asked for are not passed on without a copy', () => {
  const g = newGraph();
  const x = g.input('x', [4]);
  const passed: boolean[] = [];
  const pass = (from: Tensor, name: string): Tensor => {
    const out = g.activation(name, [4]);
    g.op([from], out, (dOut, gradients) => {
      passed.push(gradients.alias(from, dOut));
      if (!gradients.of(from)) gradients.into(from);
    });
    return out;
  };
  const a = pass(x, 'a');
  const b = pass(a, 'b');
  const c = pass(b, 'c');
  const gradients = backward(g, seed(c), [x, b]);
  // c's is the seed; b's was asked for; a's may go on as x's.
  assert.equal(passed, [false, false, true]);
  assert.is.not(gradients.of(b), gradients.of(x));
});

test('a gradient that two tensors share is not added to before both have been read', () => {
  /** `sum` passes its gradient on to a and b; what reads b is recorded before or after a is made. */
  const walk = (early: boolean): void => {
    const g = newGraph();
    const visits: string[] = [];
    const x = g.input('x', [4]);
    const b = op(g, 'b', [x], visits);
    let side = early ? b : op(g, 'side', [b], visits);
    const a = op(g, 'a', [x], visits);
    if (early) side = op(g, 'side', [b], visits);
    const sum = g.activation('sum', [4]);
    g.op([a, b], sum, (dOut, gradients) => {
      const copy = new Tensor('copy', dOut.shape, { batched: true });
      for (const tensor of [a, b]) assert.ok(gradients.alias(tensor, copy));
    });
    backward(g, new Map([...seed(sum), ...seed(side)]), [x]);
  };
  walk(false);
  assert.throws(
    () => walk(true),
    (error: unknown) =>
      error instanceof LlsmError && /gradient of a is also that of b/.test(error.message),
  );
});

test('a graph for inference is not differentiated', () => {
  const g = new Graph({ batch: 2, training: false, traits: { subgroupSize: 0 }, inference: true });
  const x = g.input('x', [4]);
  const out = op(g, 'out', [x], []);
  assert.throws(
    () => backward(g, seed(out), [x]),
    (error: unknown) => error instanceof LlsmError && /for inference/.test(error.message),
  );
});

test('what does not influence the seed is named', () => {
  const g = newGraph();
  const visits: string[] = [];
  const [w, unused] = [weight('w', 0), weight('unused', 64)];
  const a = op(g, 'a', [w], visits);
  op(g, 'b', [a, unused], visits);
  assert.throws(
    () => backward(g, seed(a), [w, unused]),
    (error: unknown) =>
      error instanceof LlsmError &&
      error.message === 'unused does not influence what is differentiated',
  );
});
