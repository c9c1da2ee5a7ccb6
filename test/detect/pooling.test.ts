import * as assert from 'uvu/assert';
import type { View } from '../../src/detect/finding.ts';
import { judgeTrack } from '../../src/detect/pooling.ts';
import { test } from '../support/run.ts';

const views = (...scores: number[]): View[] =>
  (['as it is', 'mirrored', 'JPEG 75'] as const)
    .slice(0, scores.length)
    .map((name, k) => ({ name, probability: scores[k] }));
const threshold = { value: 0.4, rule: 'eer', fpr: 0.1, data: 'x', n: 10 };

test('the pooled score is compared with the threshold', () => {
  const said = judgeTrack([0.5, 0.7, 0.6], [], 3, { threshold });
  assert.equal([said.verdict, said.why], ['altered', null]);
  assert.ok(Math.abs(said.probability - 0.6) < 1e-12);
  assert.is(judgeTrack([0.1, 0.2, 0.3], [], 3, { threshold }).verdict, 'nothing found');
});

test('the rule is that of eval', () => {
  const scores = [0.1, 0.2, 0.9];
  assert.is(judgeTrack(scores, [], 3, { rule: 'max' }).probability, 0.9);
  assert.ok(Math.abs(judgeTrack(scores, [], 3).probability - 0.4) < 1e-12);
});

test('more than a quarter of the frames across the threshold: unsure, and it says how many', () => {
  const said = judgeTrack([0.9, 0.9, 0.1], [], 3);
  assert.equal([said.verdict, said.why], ['unsure', '1 of 3 frames lie across the threshold']);
  assert.is(judgeTrack([0.9, 0.9, 0.9, 0.1], [], 4).verdict, 'altered');
});

test('views that lie across the threshold over the frames that have them: unsure', () => {
  const flips = [views(0.9, 0.8, 0.3), views(0.8, 0.8, 0.2)];
  const said = judgeTrack([0.9, 0.8, 0.85], flips, 3);
  assert.equal(
    [said.verdict, said.why],
    ['unsure', 'seen otherwise it lies across the threshold: JPEG 75 0.250'],
  );
  // Once is not over all of them.
  const once = [views(0.9, 0.8, 0.4), views(0.8, 0.8, 0.9)];
  assert.is(judgeTrack([0.9, 0.8, 0.85], once, 3).verdict, 'altered');
});

test('a pooled score in the band that is often wrong: unsure', () => {
  const band = { from: 0.3, to: 0.5, real: 0.1, forged: 0.1, accused: 0.01, missed: 0.1 };
  const said = judgeTrack([0.45, 0.45, 0.46], [], 3, { threshold: { ...threshold, unsure: band } });
  assert.equal([said.verdict, said.why], ['unsure', 'scores from 0.300 to 0.500 are often wrong']);
});

test('altered in fewer than three frames of a video that has more: unsure', () => {
  const said = judgeTrack([0.9], [], 20);
  assert.equal([said.verdict, said.why], ['unsure', 'seen in only one frame']);
  assert.is(judgeTrack([0.9, 0.9], [], 2).verdict, 'altered');
  assert.is(judgeTrack([0.1], [], 20).verdict, 'nothing found');
});
