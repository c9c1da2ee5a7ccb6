import * as assert from 'uvu/assert';
import { ahead, askAhead } from '../../src/base/ahead.ts';
import { failure } from '../support/pictures.ts';
import { test } from '../support/run.ts';

test('loads are begun before they are needed, no more than asked for', async () => {
  const notes: string[] = [];
  const load = async (item: number) => {
    notes.push(`load ${item}`);
    return item * 10;
  };
  for await (const result of ahead([1, 2, 3, 4], 2, load)) notes.push(`got ${result}`);
  assert.equal(notes.join(', '), 'load 1, load 2, got 10, load 3, got 20, load 4, got 30, got 40');
});

test('results keep the order of the items, whichever is done first', async () => {
  const ends: (() => void)[] = [];
  const load = (item: number) =>
    new Promise<number>((resolve) => {
      ends[item] = () => resolve(item);
    });
  const results: number[] = [];
  const all = (async () => {
    for await (const item of ahead([0, 1, 2], 3, load)) results.push(item);
  })();
  for (const item of [2, 0, 1]) {
    ends[item]();
    await new Promise(setImmediate);
  }
  await all;
  assert.equal(results, [0, 1, 2]);
});

test('what a load throws is thrown at its place, and those before it are given', async () => {
  const got: number[] = [];
  const load = async (item: number) => {
    if (item === 2) throw new Error('broken 2');
    return item;
  };
  try {
    for await (const item of ahead([1, 2, 3], 3, load)) got.push(item);
    assert.unreachable('it does not throw');
  } catch (error) {
    assert.is((error as Error).message, 'broken 2');
  }
  assert.equal(got, [1]);
});

test('nothing to load gives nothing', async () => {
  for await (const _ of ahead([], 2, async () => 1)) assert.unreachable('there is no item');
});

async function* counting(notes: string[], end = 5, error?: Error) {
  try {
    for (let k = 0; k < end; k++) {
      notes.push(`make ${k}`);
      yield k;
    }
    if (error) throw error;
  } finally {
    notes.push('closed');
  }
}

test('items are asked for before they are needed, and come in their order', async () => {
  const notes: string[] = [];
  for await (const item of askAhead(counting(notes, 4), 2)) {
    notes.push(`got ${item}`);
    for (let k = 0; k < 20; k++) await Promise.resolve();
  }
  assert.equal(
    notes.filter((note) => note.startsWith('got')),
    ['got 0', 'got 1', 'got 2', 'got 3'],
  );
  assert.ok(notes.indexOf('make 2') < notes.indexOf('got 1'), notes.join(', '));
  assert.ok(notes.indexOf('make 3') > notes.indexOf('got 0'), notes.join(', '));
});

test('what the source throws comes after the items before it; who stops closes the source', async () => {
  const got: number[] = [];
  const notes: string[] = [];
  const error = await failure(async () => {
    for await (const item of askAhead(counting(notes, 2, new Error('broken')), 3)) got.push(item);
  });
  assert.equal([got, error.message], [[0, 1], 'broken']);
  const stopped: string[] = [];
  for await (const _ of askAhead(counting(stopped), 2)) break;
  assert.is(stopped[stopped.length - 1], 'closed');
  assert.not(stopped.includes('make 4'));
});
