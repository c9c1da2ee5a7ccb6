/** Tables of comma-separated values (RFC 4180), read and written. */
import { readFileSync } from 'node:fs';
import { LlsmError, messageOf } from '../../src/base/errors.ts';

/** The fields of each line; quoted ones may hold commas, line ends and doubled quotes. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/y;
  while (field.lastIndex < text.length) {
    const found = field.exec(text);
    if (!found) throw new LlsmError(`line ${rows.length + 1} has a quote that is not closed`);
    row.push(found[1] === undefined ? found[2] : found[1].replaceAll('""', '"'));
    if (found[3] === ',' && field.lastIndex < text.length) continue;
    if (found[3] === ',') row.push('');
    rows.push(row);
    row = [];
  }
  return rows;
}

/**
 * A table whose first line names its columns.
 * @throws LlsmError naming the file: unreadable, without one of the columns, or with a line of another length.
 */
export function readTable(path: string, columns: readonly string[]): Map<string, string>[] {
  let rows: string[][];
  try {
    rows = parseCsv(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
  }
  const [names = [], ...lines] = rows;
  const missing = columns.filter((name) => !names.includes(name));
  if (missing.length > 0) {
    throw new LlsmError(
      `${path} has no column ${missing.join(', ')}; its first line must name them.`,
    );
  }
  return lines.map((line, i) => {
    if (line.length !== names.length) {
      throw new LlsmError(
        `${path} line ${i + 2} has ${line.length} fields where the first has ${names.length}.`,
      );
    }
    return new Map(names.map((name, k) => [name, line[k]]));
  });
}

export type CsvField = string | number | null | undefined;

/** Lines of fields, quoted where they must be; nothing for null. */
export function csvOf(columns: readonly string[], rows: readonly (readonly CsvField[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

function quoted(value: CsvField): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
