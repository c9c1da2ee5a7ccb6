/** Operations that go over maps and do little arithmetic on each value. */
import { adaptivePool } from '../../src/kernels/adaptive_pool/adaptive_pool.ts';
import { batchNorm } from '../../src/kernels/batch_norm/batch_norm.ts';
import { gate } from '../../src/kernels/gate/gate.ts';
import { poolAdd } from '../../src/kernels/pool_add/pool_add.ts';
import { residualAdd } from '../../src/kernels/residual_add/residual_add.ts';
import { resize } from '../../src/kernels/resize/resize.ts';
import { type Case, given, reading, work } from './case.ts';

/**
 * Batch norm's backward with the ReLU behind it: x and dOut are read twice (sums, then apply) and
 * dX written once; about 16 operations a value. Its forward stores nothing of x's size.
 */
export function batchNormCase(batch: number, size: number, c: number): Case {
  const map = batch * size ** 2 * c;
  return {
    name: `batch norm, relu ${c}, ${size}x${size}, b${batch}`,
    batch,
    record(g) {
      const x = g.input('x', [size, size, c]);
      const stats = given('statistics', [Math.ceil((batch * size ** 2) / 32), 3 * c]);
      const weight = given('weight', [c]);
      const bias = given('bias', [c]);
      const running = { runningMean: given('mean', [c]), runningVar: given('variance', [c]) };
      const read = batchNorm(g, x, stats, { weight, bias, ...running }, { eps: 1e-5, relu: true });
      return { out: read.value, dX: [x, weight, bias] };
    },
    work: { dX: work(16 * map, 5 * map) },
  };
}

/**
 * Max pool of the main branch plus the skip: 9 comparisons and 2 batch norms an output. Forward
 * reads both, writes out and a quarter as many winners; backward reads dOut and winners and writes
 * the main branch's gradient (the skip's is dOut itself).
 */
export function poolAddCase(batch: number, size: number, c: number): Case {
  const half = Math.ceil(size / 2);
  const [inside, out] = [batch * size ** 2 * c, batch * half ** 2 * c];
  return {
    name: `pool + skip ${c}, ${size}x${size}, b${batch}`,
    batch,
    record(g) {
      const main = reading(g, [size, size, c], 'norm');
      const skip = reading(g, [half, half, c], 'norm');
      return { out: poolAdd(g, 'out', main, skip, 'torch'), dX: [main.value] };
    },
    work: {
      forward: work(30 * out, inside + 2.25 * out),
      dX: work(inside, inside + 1.25 * out),
    },
  };
}

/** 3 operations a value; two maps in, one out. Its backward copies nothing. */
export function residualCase(batch: number, size: number, c: number): Case {
  const map = batch * size ** 2 * c;
  return {
    name: `residual sum ${c}, ${size}x${size}, b${batch}`,
    batch,
    record(g) {
      const main = reading(g, [size, size, c], 'norm');
      return { out: residualAdd(g, 'out', main, g.input('skip', [size, size, c])) };
    },
    work: { forward: work(3 * map, 3 * map) },
  };
}

/** 4 multiply-adds an output value in both directions; each map once. */
export function resizeCase(batch: number, from: number, to: number, c: number): Case {
  const [small, large] = [batch * from ** 2 * c, batch * to ** 2 * c];
  const both = work(8 * large, small + large);
  return {
    name: `resize ${from} to ${to}, ${c}, b${batch}`,
    batch,
    record(g) {
      const x = g.input('x', [from, from, c]);
      return { out: resize(g, 'out', x, to, to), dX: [x] };
    },
    work: { forward: both, dX: both },
  };
}

/** 4 operations a value forward (norm, relu, gate); backward reads x and dOut and writes dA. */
export function gateCase(batch: number, size: number, c: number): Case {
  const map = batch * size ** 2 * c;
  return {
    name: `gate ${c}, ${size}x${size}, b${batch}`,
    batch,
    record(g) {
      const a = reading(g, [size, size, c], 'norm relu');
      const logit = g.input('logit', [1, 1, c]);
      return { out: gate(g, 'out', a, logit), dX: [a.value, logit] };
    },
    work: { forward: work(4 * map, 2 * map), dX: work(6 * map, 3 * map) },
  };
}

/** One addition a value; the map is read, or in the backward written, once. */
export function adaptivePoolCase(batch: number, from: number, to: number, c: number): Case {
  const [map, bins] = [batch * from ** 2 * c, batch * to ** 2 * c];
  return {
    name: `adaptive pool ${from} to ${to}, ${c}, b${batch}`,
    batch,
    record(g) {
      const x = g.input('x', [from, from, c]);
      return { out: adaptivePool(g, 'out', x, to), dX: [x] };
    },
    work: { forward: work(map, map + bins), dX: work(map, map + bins) },
  };
}
