import * as assert from 'uvu/assert';
import { sourceOf } from '../../src/measure/groups.ts';
import { VerdictCount } from '../../src/measure/verdicts.ts';
import { test } from '../support/run.ts';

test("a face's source is the folder of its photograph, a forged one's that of the photograph too", () => {
  const of = (video: string, method: string | null = null) =>
    sourceOf({ video, method, dataset: 'faces' });
  assert.is(of('faces/congress/A1.jpg'), 'faces/congress');
  assert.is(of('faces/congress/A1.jpg/swap', 'swap'), 'faces/congress');
  assert.is(of('faces/congress/swap', 'parts'), 'faces/congress');
  assert.is(of('A1.jpg'), 'faces');
  assert.is(of('A1.jpg/parts', 'parts'), 'faces');
});

test('shares of verdicts by kind, by the views and the unsure band', () => {
  const count = new VerdictCount();
  const views = (...scores: number[]) =>
    scores.map((probability) => ({ name: 'as it is' as const, probability }));
  const threshold = {
    ...{ value: 0.5, rule: 'eer' as const, fpr: 0, data: '', n: 1 },
    unsure: { from: 0.45, to: 0.6, real: 0, forged: 0, accused: 0, missed: 0 },
  };
  count.add(0, views(0.1, 0.2, 0.1), threshold);
  count.add(0, views(0.9, 0.8, 0.7), threshold);
  count.add(0, views(0.9, 0.1, 0.7), threshold); // half of the others across
  count.add(0, views(0.52, 0.52, 0.52), threshold); // in the band
  const { real, forged } = count.shares();
  assert.equal(real, { faces: 4, altered: 0.25, unsure: 0.5, nothing: 0.25 });
  assert.equal(forged, { faces: 0, altered: 0, unsure: 0, nothing: 0 });
});
