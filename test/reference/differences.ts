import * as assert from 'uvu/assert';
import type { Random } from '../../src/base/random.ts';
import { normal, type Result, type Values } from './values.ts';

/**
 * Compares a reference's gradients with central differences of sum(out * d) for a random d.
 * @param inputs what is differentiated; `f` gets them moved a little.
 */
export function checkDifferences<Name extends string>(
  random: Random,
  inputs: Record<Name, Values>,
  f: (inputs: Record<Name, Values>) => Result<Name>,
): void {
  const { out, backward } = f(inputs);
  const d = normal(random, out.shape);
  const gradients = backward(d);
  const dotOf = (): number => f(inputs).out.data.reduce((sum, y, i) => sum + y * d.data[i], 0);
  const step = 1e-5;
  for (const name of Object.keys(inputs) as Name[]) {
    const { data } = inputs[name];
    const scale = gradients[name].data.reduce((most, g) => Math.max(most, Math.abs(g)), 1);
    for (let i = 0; i < data.length; i++) {
      const here = data[i];
      data[i] = here + step;
      const above = dotOf();
      data[i] = here - step;
      const below = dotOf();
      data[i] = here;
      const difference = (above - below) / (2 * step);
      const analytic = gradients[name].data[i];
      assert.ok(
        Math.abs(difference - analytic) < 1e-7 * scale,
        `d ${name}[${i}]: ${analytic}, by differences ${difference}`,
      );
    }
  }
}
