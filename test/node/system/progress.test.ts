import * as assert from 'uvu/assert';
import { Progress } from '../../../node/system/progress.ts';
import { test } from '../../support/run.ts';

/** What a progress writes, at times that the test sets. */
function recorded(isTTY: boolean, options: { total: number; done?: number; images?: number }) {
  const clock = { ms: 0 };
  let text = '';
  const stream = {
    isTTY,
    columns: 120,
    write: (chunk: string) => {
      text += chunk;
      return true;
    },
    on() {},
    once() {},
    removeListener() {},
  } as unknown as NodeJS.WriteStream;
  const progress = new Progress({ label: 'train', stream, now: () => clock.ms, ...options });
  return { progress, clock, text: () => text };
}

test('elsewhere than on a terminal: a line every five seconds, and the last', () => {
  const { progress, clock, text } = recorded(false, { total: 100, images: 32 });
  for (let step = 1; step <= 13; step++) {
    clock.ms = step * 1000;
    progress.update(step, { loss: 1 / step });
  }
  progress.stop();
  assert.equal(text().split('\n'), [
    'train  5/100  32 images/s  1 min 35 s left  loss 0.2',
    'train  10/100  32 images/s  1 min 30 s left  loss 0.1',
    'train  13/100  32 images/s  1 min 27 s left  loss 0.0769',
    '',
  ]);
});

test('the rate is that of the last half minute, and of this run alone', () => {
  const { progress, clock, text } = recorded(false, { total: 2000, done: 1000 });
  clock.ms = 100_000;
  progress.update(1001);
  assert.match(text(), /0\.01 images\/s/);
  for (let k = 1; k <= 60; k++) {
    clock.ms = 100_000 + k * 1000;
    progress.update(1001 + k * 10);
  }
  assert.match(text(), /1601\/2000 {2}10 images\/s {2}40 s left\n$/);
  progress.stop();
});

test('on a terminal a bar is drawn, with the same figures', () => {
  const { progress, clock, text } = recorded(true, { total: 10 });
  clock.ms = 1000;
  progress.update(5, { loss: 0.25 });
  progress.stop();
  assert.match(text(), /train .* 50% 5\/10 {2}5 images\/s {2}1 s left {2}loss 0\.25/);
});
