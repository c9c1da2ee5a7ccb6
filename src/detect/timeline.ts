/** A video's scores over time, as a plot. Browser-safe. */
import * as Plot from '@observablehq/plot';
import { plotFile } from '../image/plot.ts';
import type { Threshold } from '../model/llsm/checkpoint.ts';
import type { TrackFinding, VideoFinding } from './finding.ts';
import { uncalibrated, verdictColours } from './verdict.ts';

/** Tracks that are drawn; of more, the longest. */
const mostLanes = 12;
const laneHeight = 84;

type Timed = Pick<VideoFinding, 'tracks' | 'frames'>;

/** The tracks that are drawn, in the order of the finding. */
function drawn(tracks: readonly TrackFinding[]): { track: TrackFinding; number: number }[] {
  return tracks
    .map((track, k) => ({ track, number: k + 1 }))
    .filter(({ track }) => track.scores.length > 0)
    .sort((a, b) => b.track.scores.length - a.track.scores.length)
    .slice(0, mostLanes)
    .sort((a, b) => a.number - b.number);
}

const colourOf = ({ verdict }: TrackFinding): string => `rgb(${verdictColours[verdict].join(',')})`;

/**
 * A lane a track: the score of each frame from 0 to 1 in the colour of the track's verdict, its pooled
 * score as a dashed line, the threshold as a dark one, the band of unsure verdicts as a grey stripe, and
 * cuts across all lanes; as the text of an SVG file. Of many tracks the longest are shown, which it says.
 */
export function timelinePlot(
  { tracks, frames }: Timed,
  { title, threshold }: { title: string; threshold?: Threshold },
): string {
  const lanes = drawn(tracks);
  const end = Math.max(0.001, ...frames.map(({ time }) => time));
  const value = threshold?.value ?? uncalibrated;
  const band = threshold?.unsure;
  const points = lanes.flatMap(({ track, number }) =>
    track.scores.map(({ time, probability }) => ({ number, time, probability, track })),
  );
  const told = lanes.map(({ track, number }) => ({
    ...{ number, text: laneTitle(track, number), pooled: track.probability, track },
    ...{ from: track.scores[0].time, to: track.scores.at(-1)?.time },
  }));
  const left = tracks.length - lanes.length;
  const notes = [
    title,
    `threshold ${Number(value.toPrecision(3))}${threshold ? '' : ', uncalibrated'}`,
    ...(left > 0 ? [`${left} more ${left === 1 ? 'track is' : 'tracks are'} not shown`] : []),
  ];
  const lane = { fy: 'number' };
  const colour = { stroke: (point: { track: TrackFinding }) => colourOf(point.track) };
  const options = {
    width: 760,
    height: 64 + laneHeight * Math.max(1, lanes.length),
    marginTop: 30,
    marginLeft: 44,
    marginBottom: 34,
    x: { label: 'seconds', domain: [0, end] },
    y: { label: null, domain: [0, 1], ticks: [0, 0.5, 1] },
  };
  const heading = Plot.text([notes.join('; ')], {
    ...{ facet: 'super', frameAnchor: 'top-right', dy: -24 },
  });
  if (lanes.length === 0) {
    const nothing = Plot.text(['no face was scored'], { frameAnchor: 'middle' });
    return plotFile({ ...options, marks: [heading, nothing] });
  }
  const stripe = { x1: 0, x2: end, y1: 'from', y2: 'to', fill: '#999', opacity: 0.25 };
  const cuts = frames.filter(({ cut }) => cut);
  return plotFile({
    ...options,
    fy: { axis: null, padding: 0.22 },
    marks: [
      heading,
      ...(band ? [Plot.rectY([band], stripe)] : []),
      Plot.ruleY([value], { stroke: '#222', strokeWidth: 1 }),
      Plot.ruleX(cuts, { x: 'time', stroke: '#888', strokeDasharray: '2,3' }),
      Plot.ruleY(told, {
        ...{ ...lane, ...colour, strokeDasharray: '6,4', strokeOpacity: 0.6 },
        ...{ x1: 'from', x2: 'to', y: 'pooled' },
      }),
      Plot.line(points, { ...lane, ...colour, x: 'time', y: 'probability', z: 'number' }),
      Plot.dot(points, {
        ...{ ...lane, x: 'time', y: 'probability', r: 2.5 },
        fill: (point: { track: TrackFinding }) => colourOf(point.track),
      }),
      Plot.text(told, { ...lane, text: 'text', frameAnchor: 'top-left', dy: -11, fontWeight: 600 }),
    ],
  });
}

function laneTitle({ scores, probability, verdict }: TrackFinding, number: number): string {
  const frames = scores.length === 1 ? '1 frame' : `${scores.length} frames`;
  return `track ${number}: ${probability?.toFixed(3)} ${verdict} (${frames})`;
}
