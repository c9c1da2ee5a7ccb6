import * as assert from 'uvu/assert';
import type { View } from '../../src/detect/finding.ts';
import {
  alteredShare,
  judge,
  meaningInWords,
  sigmoid,
  thresholdInWords,
} from '../../src/detect/verdict.ts';
import { viewNames } from '../../src/detect/views.ts';
import { test } from '../support/run.ts';

test('sigmoid reaches 0 and 1 and nothing else', () => {
  assert.equal([-1000, 0, 1000].map(sigmoid), [0, 0.5, 1]);
});

const threshold = { value: 0.25, rule: 'eer', fpr: 0.1, data: 'celebdf/val', n: 512 };

const seen = (...probabilities: number[]): View[] =>
  probabilities.map((probability, k) => ({ name: viewNames[k], probability }));

test('altered at the threshold and above; 0.5 where none is stored', () => {
  assert.equal(
    [0.2499, 0.25, 0.3].map((p) => judge(seen(p), threshold).verdict),
    ['nothing found', 'altered', 'altered'],
  );
  assert.equal(
    [0.4999, 0.5].map((p) => judge(seen(p)).verdict),
    ['nothing found', 'altered'],
  );
});

test('unsure where half of the other views lie across the threshold, and says which do', () => {
  assert.equal(judge(seen(0.3, 0.4, 0.1, 0.3, 0.2), threshold), {
    verdict: 'unsure',
    why: 'seen otherwise it lies across the threshold: JPEG 75 0.100, resized to 0.5 0.200',
  });
  assert.is(judge(seen(0.3, 0.4, 0.1, 0.3, 0.3), threshold).verdict, 'altered');
  assert.is(judge(seen(0.1, 0.2, 0.3), threshold).verdict, 'unsure');
});

test('unsure where the mean of the views lies in the band that was measured', () => {
  const unsure = { from: 0.2, to: 0.4, real: 0.2, forged: 0.1, accused: 0.015, missed: 0.25 };
  const banded = { ...threshold, unsure };
  const verdicts = [seen(0.1, 0.2), seen(0.19, 0.24), seen(0.3, 0.4), seen(0.3, 0.5)].map(
    (views) => judge(views, banded).verdict,
  );
  assert.equal(verdicts, ['nothing found', 'unsure', 'unsure', 'altered']);
  assert.match(
    meaningInWords(banded),
    /1\.5 % of the real faces were wrongly called altered and 20 % unsure/,
  );
  assert.match(meaningInWords(threshold), /10 % have such a score/);
  assert.match(meaningInWords(), /uncalibrated/);
});

test('the threshold says where it comes from', () => {
  assert.is(thresholdInWords(), '0.5, uncalibrated');
  assert.is(
    thresholdInWords(threshold),
    '0.25, chosen on 512 faces of celebdf/val by eer, where 10 % of the real ones are at or above it',
  );
});

test('altered share counts what is more likely altered than not', () => {
  assert.is(alteredShare(Float32Array.of(0, 0.49, 0.5, 1)), 0.5);
  const threshold = { value: 0.5, rule: 'eer', fpr: 0.1, data: 'faces', n: 10, mask: 0.4 };
  assert.is(alteredShare(Float32Array.of(0, 0.39, 0.49, 1), threshold), 0.5);
});
