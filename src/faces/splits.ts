/** Dividing people among the splits. Browser-safe. */
import type { Random } from '../base/random.ts';
import type { Split } from './manifest.ts';

/** Shares of the people for validation and test; the rest is for training. */
export interface Shares {
  val: number;
  test: number;
}

/** The split of each of so many people: exact shares (rounded), the order of people drawn. */
export function shareOut(people: number, shares: Shares, random: Random): Split[] {
  const order = Array.from({ length: people }, (_, k) => k);
  random.shuffle(order);
  const val = Math.round(people * shares.val);
  const test = Math.min(people - val, Math.round(people * shares.test));
  const result: Split[] = new Array(people).fill('train');
  for (const k of order.slice(0, val)) result[k] = 'val';
  for (const k of order.slice(val, val + test)) result[k] = 'test';
  return result;
}
