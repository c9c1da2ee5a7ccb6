/** Findings as a table (RFC 4180). */
import {
  type Finding,
  isVideo,
  type TrackFinding,
  type VideoFinding,
} from '../../src/detect/finding.ts';
import { uncalibrated } from '../../src/detect/verdict.ts';
import { viewNames } from '../../src/detect/views.ts';
import type { Threshold } from '../../src/model/llsm/checkpoint.ts';
import { type CsvField, csvOf } from '../files/csv.ts';

const columns = [
  ...['file', 'sha256', 'face', 'x', 'y', 'width', 'height', 'probability', 'verdict', 'threshold'],
  ...viewNames,
  ...['altered share', 'overlay', 'dissimilarity', 'panel', 'note', 'error'],
];

/**
 * One line a face, and of a video one a track; a file without one, or that could not be looked at, has a
 * line of its own.
 */
export function findingsCsv(findings: readonly Finding[], threshold?: Threshold): string {
  const value = threshold?.value ?? uncalibrated;
  const rows = findings.flatMap((finding) => {
    const { file, sha256, faces, verdict, error } = finding;
    if (isVideo(finding) && finding.tracks.length > 0) {
      return finding.tracks.map((track, k) => trackRow(finding, track, k + 1, value));
    }
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
  return csvOf(columns, rows);
}

function trackRow(
  { file, sha256, error }: VideoFinding,
  { probability, verdict, note }: TrackFinding,
  number: number,
  threshold: number,
): CsvField[] {
  const nowhere = [null, null, null, null];
  const at = probability === null ? null : threshold;
  const empty = viewNames.map(() => null);
  const said = [probability, verdict, at, ...empty, null, null, null, null, note, error?.message];
  return [file, sha256, number, ...nowhere, ...said];
}
