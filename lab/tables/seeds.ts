/** Rows that were trained once a seed: their means and how far seeds lie apart. */
import type { CellResult, SeedResult, Spread } from './cell.ts';
import type { Figures } from './figures.ts';

/** The mean; null where there is none of one value or more. */
export function meanOf(values: readonly (number | null | undefined)[]): number | null {
  let sum = 0;
  for (const value of values) {
    if (value === null || value === undefined) return null;
    sum += value;
  }
  return values.length > 0 ? sum / values.length : null;
}

/** The sample's standard deviation (n - 1 below); null for fewer than two values, or where one is null. */
export function deviationOf(values: readonly (number | null | undefined)[]): number | null {
  const mean = meanOf(values);
  if (mean === null || values.length < 2) return null;
  const squares = values.reduce<number>((sum, value) => sum + ((value ?? 0) - mean) ** 2, 0);
  return Math.sqrt(squares / (values.length - 1));
}

/**
 * The cells of a row: means over its seeds, with their spread. A mean of some of the seeds only is none.
 * One seed's cells stay as they are.
 */
export function meanCells(seeds: readonly SeedResult[]): CellResult[] {
  if (seeds.length === 1) return seeds[0].cells;
  return seeds[0].cells.map((_, k) => {
    const cells = seeds.map((one) => one.cells[k]);
    const [faces, videos] = [cells.map((cell) => cell.faces), cells.map((cell) => cell.videos)];
    const missing = cells.find((cell) => cell.missing !== undefined)?.missing;
    return {
      faces: meanFigures(faces),
      videos: meanFigures(videos),
      spread: { faces: spreadOf(faces), videos: spreadOf(videos) },
      ...(missing !== undefined && { missing }),
    };
  });
}

/** Intervals are of one network's faces, so a mean has none. */
function meanFigures(some: readonly (Figures | null)[]): Figures | null {
  const all = some.filter((figures) => figures !== null);
  if (all.length < some.length) return null;
  const mean = (key: Exclude<keyof Figures, 'name' | 'aucInterval' | 'lacking'>) =>
    meanOf(all.map((figures) => figures[key]));
  return {
    ...all[0],
    auc: mean('auc'),
    aucInterval: [null, null],
    ap: mean('ap'),
    eer: mean('eer'),
    accuracy: mean('accuracy'),
    balancedAccuracy: mean('balancedAccuracy'),
    flagged: mean('flagged'),
    falseAlarms: mean('falseAlarms'),
  };
}

const spreadOf = (some: readonly (Figures | null)[]): Spread => ({
  auc: deviationOf(some.map((figures) => figures?.auc)),
  accuracy: deviationOf(some.map((figures) => figures?.accuracy)),
});
