import * as assert from 'uvu/assert';
import { alteredShare, isForged, sigmoid, thresholdInWords } from '../../src/detect/verdict.ts';
import { test } from '../support/run.ts';

test('sigmoid reaches 0 and 1 and nothing else', () => {
  assert.equal([-1000, 0, 1000].map(sigmoid), [0, 0.5, 1]);
});

const threshold = { value: 0.25, rule: 'eer', fpr: 0.1, data: 'celebdf/val', n: 512 };

test('forged at the threshold and above; 0.5 where none is stored', () => {
  assert.equal(
    [0.2499, 0.25, 0.3].map((p) => isForged(p, threshold)),
    [false, true, true],
  );
  assert.equal(
    [0.4999, 0.5].map((p) => isForged(p)),
    [false, true],
  );
});

test('the threshold says where it comes from', () => {
  assert.is(thresholdInWords(), '0.5, uncalibrated');
  assert.is(
    thresholdInWords(threshold),
    '0.25, chosen on 512 faces of celebdf/val by eer, where 10 % of the real ones are called forged',
  );
});

test('altered share counts what is more likely altered than not', () => {
  assert.is(alteredShare(Float32Array.of(0, 0.49, 0.5, 1)), 0.5);
  const threshold = { value: 0.5, rule: 'eer', fpr: 0.1, data: 'faces', n: 10, mask: 0.4 };
  assert.is(alteredShare(Float32Array.of(0, 0.39, 0.49, 1), threshold), 0.5);
});
