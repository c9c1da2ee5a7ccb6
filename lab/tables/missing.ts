/** Rows of a table by name, with why a cell has no figures. */
type Rows = readonly { name: string; cells: readonly { missing?: string }[] }[];

/** Which cells have no figures and why, a line a reason. */
export function missingLines(rows: Rows, columns: readonly { title: string }[]): string[] {
  const missing = new Map<string, string[]>();
  for (const { name, cells } of rows) {
    for (const [k, cell] of cells.entries()) {
      if (cell.missing === undefined) continue;
      const at = [name, columns[k].title].filter((part) => part !== '').join(' on ');
      missing.set(cell.missing, [...(missing.get(cell.missing) ?? []), at]);
    }
  }
  const cells = rows.length * columns.length;
  return [...missing].map(([why, where]) => {
    const which = where.length === cells && cells > 1 ? `all ${cells} cells` : where.join(', ');
    return `Missing (${which}): ${why}.`.replace(/\.\.$/, '.');
  });
}
