import { applyRead } from '../../src/kernels/apply_read/apply_read.ts';
import { Random } from '../../src/random.ts';
import { readThrough as referenceRead } from '../reference/batch_norm.ts';
import { normal } from '../reference/values.ts';
import { test } from '../support/run.ts';
import { awayFromKinks, check, randomAffine, readThrough } from './support.ts';

const random = new Random(1, 'applyRead tests');

for (const relu of [true, false]) {
  for (const prior of [[], ['x']]) {
    test(`stores what is read${relu ? ' through ReLU' : ''}${prior.length ? ', adding' : ''}`, () => {
      const affine = randomAffine(random, 40);
      const x = awayFromKinks(normal(random, [3, 7, 7, 40]), affine);
      return check('applyRead', {
        batch: 3,
        maps: { x },
        weights: { affine },
        build(g, t) {
          const read = readThrough(t.x, t.affine, relu);
          return { outs: { out: applyRead(g, 'out', read) }, wrt: { x: read.value } };
        },
        // The gradient is that of the value read: batch norm masks it and takes it further.
        reference: {
          outs: { out: referenceRead(x, affine, relu) },
          backward: (d) => ({ x: d.out }),
        },
        prior,
        forms: ['tile'],
      });
    });
  }
}
