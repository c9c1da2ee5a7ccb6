/** AUC by perturbation and level, as a table that a person reads. Browser-safe. */

import type { Robustness } from '../robustness.ts';
import { aligned } from './evaluation-text.ts';

/** Lines end with a newline. */
export function robustnessText({ untouched, rows, applied }: Robustness): string {
  const number = (value: number) => (Number.isNaN(value) ? 'n/a' : value.toFixed(3));
  const head = ['AUC of degraded pictures', '1', '2', '3', '4', '5', 'mean', 'levels'];
  const lines = aligned([
    head,
    ...rows.map(({ name, auc, mean, levels }) => [
      name,
      ...[...auc, mean].map(number),
      levels.join(' '),
    ]),
  ]);
  return [
    ...lines,
    `As they are: ${number(untouched)}. Degraded ${applied}, at five levels:`,
    ...rows.map(({ name, unit }) => `  ${name}: ${unit}`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}
