/** The report on a case, gathered as the files are looked at (Node only). */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Finding } from '../../src/detect/finding.ts';
import { networkFacts } from '../../src/detect/report/about.ts';
import { type CaseAbout, type CasePictures, caseReport } from '../../src/detect/report/case.ts';
import type { Checkpoint } from '../../src/model/llsm/checkpoint.ts';
import { sha256Of } from '../system/sha256.ts';
import { writeFileWhole } from '../system/write-file.ts';

/** Bytes of pictures in one report: a page of more is slow to open. */
const mostBytes = 48 * 2 ** 20;

export class CaseReport {
  readonly #findings: Finding[] = [];
  readonly #pictures: (CasePictures | undefined)[] = [];
  #bytes = 0;
  #leftOut = 0;

  /** Whether there is room for more pictures. */
  get open(): boolean {
    return this.#bytes < mostBytes;
  }

  /** Adds a finding, with its pictures where there is room for them. */
  add(finding: Finding, pictures?: CasePictures): void {
    this.#findings.push(finding);
    const kept = this.open ? pictures : undefined;
    this.#pictures.push(kept);
    if (!kept && finding.kind === 'image') this.#leftOut += finding.faces.length;
    for (const file of [kept?.whole, ...(kept?.faces ?? [])]) this.#bytes += file?.length ?? 0;
  }

  /**
   * Writes the page.
   * @throws LlsmError naming the file where it cannot be written
   */
  write(path: string, about: Omit<CaseAbout, 'leftOut'>): void {
    const leftOut = this.open ? 0 : this.#leftOut;
    writeFileWhole(path, [caseReport(this.#findings, this.#pictures, { ...about, leftOut })]);
  }
}

/**
 * What a report tells of a network: its hash, its size and heads, and the README.md beside its file,
 * where that names the file's SHA-256.
 */
export function weightsAbout(path: string, { config }: Checkpoint): CaseAbout['weights'] {
  const sha256 = sha256Of(path);
  const readme = join(dirname(path), 'README.md');
  const card = existsSync(readme) ? readFileSync(readme, 'utf8') : '';
  return {
    name: basename(path),
    sha256,
    facts: networkFacts(config),
    ...(card.includes(sha256) && { card: card.trim() }),
  };
}
