/** Which faces of a video's frames are one face in the course of time. Pure: no GPU, no files. */
import { assign } from '../base/assignment.ts';
import type { Box } from '../image/pixels.ts';
import { resample } from '../image/resample.ts';
import type { RgbImage } from '../image/rgb.ts';
import { overlap } from '../model/facefinder/candidates.ts';
import type { FoundFace, Point } from './place.ts';

/** A face of a frame, as far as it matters for knowing it again. */
export interface SeenFace {
  box: Box;
  landmarks: readonly Point[];
  /** See `appearanceOf`. */
  appearance: Float32Array;
}

/** A whole frame, as far as it matters for telling a cut; see `lookOf`. */
export interface FrameLook {
  cells: Float32Array;
  colours: Float32Array;
}

const coarse = 4;

/** A face as `coarse` x `coarse` colours, 0 to 1: what of it stays from one frame to the next. */
export function appearanceOf(image: RgbImage, { box }: Pick<FoundFace, 'box'>): Float32Array {
  const values = new Float32Array(coarse * coarse * 3);
  return resample(image, 3, box, coarse, coarse, values, 'area').map((value) => value / 255);
}

/** Points a side at which a frame is sampled, cells a side, and steps of each colour. */
const [points, cellsAcross, steps] = [64, 8, 4];

/** The mean colours of 8 x 8 cells of a frame, and how much of each of 64 colours it has; 0 to 1. */
export function lookOf({ width, height, data }: RgbImage): FrameLook {
  const cells = new Float32Array(cellsAcross * cellsAcross * 3);
  const colours = new Float32Array(steps ** 3);
  const inCell = (points / cellsAcross) ** 2;
  for (let y = 0; y < points; y++) {
    for (let x = 0; x < points; x++) {
      const [px, py] = [Math.floor(((x + 0.5) * width) / points), ((y + 0.5) * height) / points];
      const from = (Math.floor(py) * width + px) * 3;
      const row = Math.floor((y * cellsAcross) / points);
      const cell = (row * cellsAcross + Math.floor((x * cellsAcross) / points)) * 3;
      for (let c = 0; c < 3; c++) cells[cell + c] += data[from + c] / 255 / inCell;
      addColour(colours, data, from);
    }
  }
  return { cells, colours: colours.map((value) => value / points ** 2) };
}

/** A colour is shared out among the eight steps about it, so that a little more light is little. */
function addColour(colours: Float32Array, data: Uint8ClampedArray, from: number): void {
  const at = [0, 1, 2].map((c) => (data[from + c] / 255) * (steps - 1));
  const low = at.map((value) => Math.min(steps - 2, Math.floor(value)));
  for (let corner = 0; corner < 8; corner++) {
    let [weight, bin] = [1, 0];
    for (let c = 0; c < 3; c++) {
      const upper = (corner >> c) & 1;
      const part = at[c] - low[c];
      weight *= upper ? part : 1 - part;
      bin = bin * steps + low[c] + upper;
    }
    colours[bin] += weight;
  }
}

const meanDifference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

/**
 * Mean change of the cells, and part of the colours that changed, from which frames are two shots.
 * Between six photographs of groups the second was .21 to .56; after a turn of a quarter of the picture
 * .05 to .09, of half .05 to .19. Two portraits before like walls may have .1: no cut is seen there, and
 * the colours of the faces must tell them apart.
 */
const [cutCells, cutColours] = [0.08, 0.2];

/**
 * Whether there is a cut between two frames: both where the colours are and which they are has
 * changed much. What moves changes the first alone, and so does a camera that turns.
 */
export const isCut = (a: FrameLook, b: FrameLook): boolean =>
  meanDifference(a.cells, b.cells) > cutCells &&
  (meanDifference(a.colours, b.colours) * a.colours.length) / 2 > cutColours;

/** Seconds and frames for which a face may be away and is the same on its return; both must be over. */
const [awaySeconds, awayFrames] = [1.5, 3];

/** Sides of a face that it may have moved at once, and more for each second, up to a most. */
const reachAtOnce = 0.75;
const reachPerSecond = 1.5;
const reachMost = 3;

/** Factor by which a face may have grown or shrunk; difference of colours above which it is another. */
const [growth, otherFace] = [2, 0.25];

/** Seconds for which a face is thought to go on as it went. */
const goesOn = 1;

const impossible = 1e6;

interface Track {
  id: number;
  time: number;
  /** Frames that were looked at since. */
  missed: number;
  box: Box;
  landmarks: readonly Point[];
  appearance: Float32Array;
  /** Pixels a second. */
  velocity: Point;
}

const sideOf = ([, , w, h]: Box): number => Math.max(w, h, 1);
const centreOf = ([x, y, w, h]: Box): Point => [x + w / 2, y + h / 2];

/**
 * Puts the faces of frames to tracks. In each frame, faces and tracks are paired so that their costs
 * add up to the least (`assign`). A cost has four parts: what the boxes do not share, the distance
 * from where the track was heading (of the landmarks, else of the boxes' centres) in sides of the
 * face, the change of size, and the difference of the coarse colours. A pair that is too far apart,
 * too unlike in size or too unlike in colour is none. A cut ends all tracks; a face that was away for
 * long begins a new one.
 */
export class Tracker {
  #tracks: Track[] = [];
  #count = 0;
  #look: FrameLook | undefined;

  /**
   * @param time in seconds; not before that of the frame before
   * @returns the track of each face, from 0, and whether this frame begins a new shot
   */
  add(
    time: number,
    faces: readonly SeenFace[],
    look: FrameLook,
  ): { tracks: number[]; cut: boolean } {
    const cut = this.#look !== undefined && isCut(this.#look, look);
    this.#look = look;
    this.#tracks = cut ? [] : this.#tracks.filter((track) => !isOver(track, time));
    const tracks = this.#tracks;
    const costs = tracks.map((track) => faces.map((face) => costOf(track, face, time)));
    const faceOf = assign(costs, impossible);
    const ids = new Array<number>(faces.length);
    tracks.forEach((track, k) => {
      const at = faceOf[k];
      if (at < 0) track.missed++;
      else {
        follow(track, faces[at], time);
        ids[at] = track.id;
      }
    });
    faces.forEach((face, k) => {
      if (ids[k] !== undefined) return;
      ids[k] = this.#count++;
      tracks.push({ ...face, id: ids[k], time, missed: 0, velocity: [0, 0] });
    });
    return { tracks: ids, cut };
  }
}

const isOver = (track: Track, time: number): boolean =>
  track.missed >= awayFrames && time - track.time > awaySeconds;

function costOf(track: Track, face: SeenFace, time: number): number {
  const away = time - track.time;
  const ahead = Math.min(away, goesOn);
  const moved = track.velocity.map((v) => v * ahead);
  const [x, y, w, h] = track.box;
  const heading: Box = [x + moved[0], y + moved[1], w, h];
  const sides = [sideOf(track.box), sideOf(face.box)];
  const ratio = Math.abs(Math.log2(sides[0] / sides[1]));
  const [from, to] = pointsOf(track, face);
  const distances = from.map(([px, py], i) =>
    Math.hypot(px + moved[0] - to[i][0], py + moved[1] - to[i][1]),
  );
  const distance = distances.reduce((sum, value) => sum + value, 0) / distances.length;
  const reach = distance / ((sides[0] + sides[1]) / 2);
  const unlike = meanDifference(track.appearance, face.appearance);
  const most = Math.min(reachMost, reachAtOnce + reachPerSecond * away);
  if (reach > most || ratio > Math.log2(growth) || unlike > otherFace) return impossible;
  return (1 - overlap(heading, face.box)) / 2 + reach / 3 + ratio / 2 + 4 * unlike;
}

function pointsOf(track: Track, face: SeenFace): [readonly Point[], readonly Point[]] {
  const known = face.landmarks.length > 0 && track.landmarks.length === face.landmarks.length;
  return known ? [track.landmarks, face.landmarks] : [[centreOf(track.box)], [centreOf(face.box)]];
}

function follow(track: Track, face: SeenFace, time: number): void {
  const seconds = time - track.time;
  if (seconds > 0) {
    const [from, to] = [centreOf(track.box), centreOf(face.box)];
    const still = track.velocity[0] === 0 && track.velocity[1] === 0;
    track.velocity = track.velocity.map((old, i) => {
      const now = (to[i] - from[i]) / seconds;
      return still ? now : (old + now) / 2;
    }) as Point;
  }
  const appearance = track.appearance.map((old, i) => (old + face.appearance[i]) / 2);
  Object.assign(track, { time, missed: 0, box: face.box, landmarks: face.landmarks, appearance });
}
