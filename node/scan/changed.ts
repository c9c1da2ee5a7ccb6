/** What new weights change of an archive's verdicts, by a canary set of each kind (Node only). */
import { Random } from '../../src/base/random.ts';
import type { ScanLine } from './line.ts';

/** A file's old line, as far as it is needed to say whether it is looked at again. */
export interface OldLine {
  file: string;
  verdict: string;
  /** The kind of files that it counts to: by its verdict, and where there is a score, its tenth. */
  kind: string;
  /** When the verdict was made. */
  at: string;
}

/** @returns undefined for a line without a verdict: it is looked at whatever the canaries say */
export function oldLine({ file, verdict, faces, times }: ScanLine): OldLine | undefined {
  if (verdict === null) return undefined;
  const scores = faces.flatMap(({ probability }) => probability ?? []);
  const tenth = Math.min(9, Math.floor(10 * Math.max(...scores)));
  const range = `${(tenth / 10).toFixed(1)} to ${((tenth + 1) / 10).toFixed(1)}`;
  const kind = scores.length > 0 ? `${verdict}, ${range}` : verdict;
  return { file, verdict, kind, at: times.at };
}

const byKind = (lines: readonly OldLine[]): Map<string, OldLine[]> => {
  const kinds = new Map<string, OldLine[]>();
  for (const line of lines) {
    const alike = kinds.get(line.kind);
    if (alike) alike.push(line);
    else kinds.set(line.kind, [line]);
  }
  return new Map([...kinds].sort(([a], [b]) => (a < b ? -1 : 1)));
};

/** Files of each kind, drawn without putting back; the same at each call. */
export function canaries(lines: readonly OldLine[], each: number, seed = 1): OldLine[] {
  return [...byKind(lines)].flatMap(([kind, alike]) => {
    const random = new Random(seed, `canaries ${kind}`);
    const left = [...alike].sort((a, b) => (a.file < b.file ? -1 : 1));
    const drawn: OldLine[] = [];
    while (drawn.length < each && left.length > 0) {
      const at = random.int(left.length);
      drawn.push(left[at]);
      left[at] = left[left.length - 1];
      left.pop();
    }
    return drawn;
  });
}

/** What the canaries say of their kind. */
export interface Kind {
  kind: string;
  files: number;
  canaries: number;
  /** Canaries whose verdict is another one now. */
  changed: number;
  /** The part of the kind's files that is changed, at most: the upper end of a 95 % interval. */
  atMost: number;
  /** Whether its files are looked at again. */
  again: boolean;
}

/**
 * @param verdictOf the new verdict on a canary; undefined where it has none
 * @param least the part of a kind's files whose change is not worth looking at all of them
 */
export function judgeKinds(
  lines: readonly OldLine[],
  drawn: readonly OldLine[],
  verdictOf: (file: string) => string | null | undefined,
  least: number,
): Kind[] {
  const tried = byKind(drawn);
  return [...byKind(lines)].map(([kind, alike]) => {
    const asked = tried.get(kind) ?? [];
    const changed = asked.filter(({ file, verdict }) => verdictOf(file) !== verdict).length;
    const complete = asked.length === alike.length;
    const atMost = complete ? changed / asked.length : upperEnd(changed, asked.length);
    return {
      ...{ kind, files: alike.length, canaries: asked.length, changed, atMost },
      again: !complete && atMost > least,
    };
  });
}

/** Upper end of Wilson's interval for a share, 95 % on both sides. */
export function upperEnd(hits: number, n: number): number {
  if (n === 0) return 1;
  const z = 1.959964;
  const p = hits / n;
  const middle = p + (z * z) / (2 * n);
  const half = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return Math.min(1, (middle + half) / (1 + (z * z) / n));
}

/** The files of the kinds that changed, oldest verdict first, without those that are through. */
export function toLookAtAgain(
  lines: readonly OldLine[],
  kinds: readonly Kind[],
  isThrough: (file: string) => boolean,
): string[] {
  const again = new Set(kinds.filter((kind) => kind.again).map(({ kind }) => kind));
  return lines
    .filter(({ kind, file }) => again.has(kind) && !isThrough(file))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.file < b.file ? -1 : 1))
    .map(({ file }) => file);
}
