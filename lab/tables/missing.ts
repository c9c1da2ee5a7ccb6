/** A row by its name, with why cells have no figures; of several seeds, one row for each. */
export interface MissingRow {
  name: string;
  seed?: number;
  cells: readonly { missing?: string }[];
}

/** Which cells have no figures and why, a line a reason. Seeds are named where others have figures. */
export function missingLines(
  rows: readonly MissingRow[],
  columns: readonly { title: string }[],
): string[] {
  const missing = new Map<string, { name: string; at: string; seed?: number }[]>();
  for (const { name, seed, cells } of rows) {
    for (const [k, cell] of cells.entries()) {
      if (cell.missing === undefined) continue;
      const at = [name, columns[k].title].filter((part) => part !== '').join(' on ');
      missing.set(cell.missing, [...(missing.get(cell.missing) ?? []), { name, at, seed }]);
    }
  }
  const cells = rows.length * columns.length;
  return [...missing].map(([why, where]) => {
    const places = [...new Set(where.map(({ at }) => at))].map((place) => {
      const here = where.filter(({ at }) => at === place);
      const seeds = here.flatMap(({ seed }) => seed ?? []);
      const all = rows.filter(({ name }) => name === here[0].name).length;
      return seeds.length === 0 || here.length === all
        ? place
        : `${place}, seed ${seeds.join(' and ')}`;
    });
    const which = where.length === cells && cells > 1 ? `all ${cells} cells` : places.join(', ');
    return `Missing (${which}): ${why}.`.replace(/\.\.$/, '.');
  });
}
