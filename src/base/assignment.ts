/**
 * The assignment of rows to columns whose costs add up to the least: shortest augmenting paths with
 * potentials (Kuhn, Munkres; Jonker and Volgenant, 1987), in rows^2 x columns steps.
 * @param costs [rows][columns], finite; `forbidden` and above: never assigned
 * @returns for each row its column, or -1
 */
export function assign(
  costs: readonly (readonly number[])[],
  forbidden = Number.MAX_SAFE_INTEGER,
): number[] {
  const rows = costs.length;
  const columns = rows === 0 ? 0 : costs[0].length;
  if (rows > columns) {
    const turned = Array.from({ length: columns }, (_, j) => costs.map((row) => row[j]));
    const rowOf = assign(turned, forbidden);
    return costs.map((_, i) => rowOf.indexOf(i));
  }
  // Numbered from 1: 0 is the column from which each row sets out.
  const rowPotential = new Float64Array(rows + 1);
  const columnPotential = new Float64Array(columns + 1);
  const rowAt = new Int32Array(columns + 1);
  const before = new Int32Array(columns + 1);
  for (let row = 1; row <= rows; row++) {
    const least = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
    const reached = new Uint8Array(columns + 1);
    rowAt[0] = row;
    let at = 0;
    do {
      reached[at] = 1;
      let [step, next] = [Number.POSITIVE_INFINITY, 0];
      for (let j = 1; j <= columns; j++) {
        if (reached[j]) continue;
        const cost = costs[rowAt[at] - 1][j - 1] - rowPotential[rowAt[at]] - columnPotential[j];
        if (cost < least[j]) [least[j], before[j]] = [cost, at];
        if (least[j] < step) [step, next] = [least[j], j];
      }
      for (let j = 0; j <= columns; j++) {
        if (reached[j]) {
          rowPotential[rowAt[j]] += step;
          columnPotential[j] -= step;
        } else least[j] -= step;
      }
      at = next;
    } while (rowAt[at] !== 0);
    for (; at !== 0; at = before[at]) rowAt[at] = rowAt[before[at]];
  }
  const found = new Array<number>(rows).fill(-1);
  for (let j = 1; j <= columns; j++) {
    const row = rowAt[j] - 1;
    if (row >= 0 && costs[row][j - 1] < forbidden) found[row] = j - 1;
  }
  return found;
}
