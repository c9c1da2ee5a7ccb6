/** The faces of videos' frames as a table (RFC 4180). */
import type { VideoFinding } from '../../src/detect/finding.ts';
import { csvOf } from '../files/csv.ts';

const columns = [
  ...['file', 'frame', 'time', 'track', 'x', 'y', 'width', 'height', 'finder score'],
  ...['probability', 'verdict', 'track probability', 'track verdict', 'cut', 'note'],
];

/** A line a face and frame; a frame without a face has one of its own. Tracks are numbered from 1. */
export function framesCsv(findings: readonly VideoFinding[]): string {
  const rows = findings.flatMap(({ file, frames, faces, tracks }) => {
    let first = 0;
    return frames.flatMap(({ frame, time, faces: count, cut }) => {
      const of = faces.slice(first, first + count);
      first += count;
      const at = [file, frame, time.toFixed(3)];
      const shot = cut ? 'cut' : null;
      if (count === 0) return [[...at, ...new Array(10).fill(null), shot, null]];
      return of.map(({ track, box, finder, probability, verdict, note }) => [
        ...at,
        track + 1,
        ...(box?.map((value) => value.toFixed(1)) ?? [null, null, null, null]),
        ...[finder?.score.toFixed(3), probability, verdict],
        ...[tracks[track].probability, tracks[track].verdict, shot, note],
      ]);
    });
  });
  return csvOf(columns, rows);
}
