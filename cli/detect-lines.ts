/** What `llsm detect` prints of a finding. */
import { type Finding, isVideo, type VideoFinding } from '../src/detect/finding.ts';

const line = (probability: number | null, words: string, told: string[]): string =>
  [`${probability?.toFixed(3) ?? '     '}  ${words.padEnd(14)}`, ...told].join('   ').trimEnd();

/** A line a face, or one for a picture without any; of a video one for all of it and one a track. */
export function linesOf(finding: Finding): string[] {
  if (isVideo(finding)) return linesOfVideo(finding);
  const { faces, verdict } = finding;
  if (faces.length === 0) return [line(null, verdict ?? '', [])];
  return faces.map(({ box, probability, verdict: words, views, alteredShare, note }) => {
    const [x, y, w, h] = box?.map(Math.round) ?? [];
    const scores = views.map((view) => view.probability);
    const range = [Math.min(...scores), Math.max(...scores)].map((score) => score.toFixed(3));
    return line(probability, words, [
      ...(box ? [`${w} x ${h} at ${x}, ${y}`] : []),
      ...(views.length > 1 ? [`views ${range.join(' to ')}`] : []),
      // The mask's threshold is for faces that are forged.
      ...(alteredShare !== null && words === 'altered'
        ? [`mask on ${(100 * alteredShare).toFixed(1)} % of it`]
        : []),
      ...(note !== null ? [note] : []),
    ]);
  });
}

/** Tracks that are printed of a video; of more, the first. */
const mostTracks = 20;

function linesOfVideo({ frames, tracks, probability, verdict, faces }: VideoFinding): string[] {
  const seconds = frames.at(-1)?.time.toFixed(1);
  const looked = `${count(frames.length, 'frame')} up to ${seconds} s`;
  const cuts = frames.filter(({ cut }) => cut).length;
  const shots = cuts > 0 ? [count(cuts + 1, 'shot')] : [];
  const lines = tracks.slice(0, mostTracks).map(({ faces: places, scores, ...track }, k) => {
    const [first, last] = [places[0], places[places.length - 1]].map((at) => faces[at]);
    const [low, high] = [Math.min, Math.max].map((pick) =>
      pick(...scores.map((score) => score.probability)).toFixed(3),
    );
    return line(track.probability, track.verdict, [
      `track ${k + 1}: ${first.time.toFixed(1)} to ${last.time.toFixed(1)} s`,
      count(places.length, 'frame'),
      ...(scores.length > 1 ? [`scores ${low} to ${high}`] : []),
      ...(track.note === null ? [] : [track.note]),
    ]);
  });
  const left = tracks.length - mostTracks;
  const more =
    left > 0 ? [`${' '.repeat(7)}and ${count(left, 'more track')} (--json has all)`] : [];
  return [
    line(probability, verdict ?? '', [looked, ...shots, count(tracks.length, 'track')]),
    ...lines,
    ...more,
  ];
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;

/** Where the time of a video went, as a sentence. */
export function timesInWords({ times, frames }: VideoFinding): string {
  const { total, decode, find, prepare, network, write } = times;
  const share = (seconds: number) => `${seconds.toFixed(1)} s`;
  return (
    `${count(frames.length, 'frame')} in ${share(total)}: ${share(decode)} waiting for the decoder, ` +
    `${share(find)} finding faces, ${share(prepare)} cutting and following them, ` +
    `${share(network)} judging them, ${share(write)} drawing and writing`
  );
}
