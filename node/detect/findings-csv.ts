/** Findings as a table (RFC 4180). */
import type { Finding } from '../../src/detect/finding.ts';
import { uncalibrated } from '../../src/detect/verdict.ts';
import { viewNames } from '../../src/detect/views.ts';
import type { Threshold } from '../../src/model/llsm/checkpoint.ts';

const columns =
  `file,sha256,face,x,y,width,height,probability,verdict,threshold,${viewNames.join(',')},` +
  'altered share,overlay,dissimilarity,panel,note,error';

/** One line a face; a picture without one, or that could not be looked at, has a line of its own. */
export function findingsCsv(findings: readonly Finding[], threshold?: Threshold): string {
  const value = threshold?.value ?? uncalibrated;
  const rows = findings.flatMap(({ file, sha256, faces, verdict, error }) => {
    if (faces.length === 0) {
      const empty = viewNames.map(() => null);
      const said = [null, verdict, null, ...empty, null, null, null, null, null, error?.message];
      return [[file, sha256, null, null, null, null, null, ...said]];
    }
    return faces.map((face, k) => {
      const box = face.box?.map(Math.round) ?? [null, null, null, null];
      const views = viewNames.map(
        (name) => face.views.find((view) => view.name === name)?.probability,
      );
      const { overlay, dissimilarity, panel } = face.pictures ?? {};
      const at = face.probability === null ? null : value;
      const said = [face.probability, face.verdict, at, ...views, face.alteredShare];
      return [file, sha256, k + 1, ...box, ...said, overlay, dissimilarity, panel, face.note, null];
    });
  });
  return [columns, ...rows.map((row) => row.map(quoted).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');
}

function quoted(value: string | number | null | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
