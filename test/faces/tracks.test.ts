import * as assert from 'uvu/assert';
import type { Point } from '../../src/faces/place.ts';
import { appearanceOf, isCut, lookOf, type SeenFace, Tracker } from '../../src/faces/tracks.ts';
import type { Box } from '../../src/image/pixels.ts';
import { resize } from '../../src/image/resample.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { backdrop, scene } from '../support/scenes.ts';

const rooms = [1, 2].map((seed) => lookOf(drawnPicture(320, 180, seed)));

/** A face of 100 pixels with its middle at (x, y), of a person of one grey. */
function face(x: number, y: number, grey = 0.5, side = 100): SeenFace {
  const at = (dx: number, dy: number): Point => [x + dx * side, y + dy * side];
  return {
    box: [x - side / 2, y - side / 2, side, side],
    landmarks: [at(-0.2, -0.1), at(0.2, -0.1), at(0, 0.1), at(-0.15, 0.3), at(0.15, 0.3)],
    appearance: new Float32Array(48).fill(grey),
  };
}

/** The tracks of each frame's faces, 0.4 seconds apart. */
function follow(frames: (SeenFace[] | { cut: SeenFace[] })[], seconds = 0.4): number[][] {
  const tracker = new Tracker();
  let room = 0;
  return frames.map((faces, k) => {
    const cut = !Array.isArray(faces);
    if (cut) room = 1 - room;
    const said = tracker.add(k * seconds, cut ? faces.cut : faces, rooms[room]);
    assert.is(said.cut, cut);
    return said.tracks;
  });
}

const steps = (count: number): number[] => Array.from({ length: count }, (_, k) => k);

test('one face that goes through the picture is one track; another beside it another', () => {
  const moving = steps(8).map((k) => [face(900 - 60 * k, 200, 0.6), face(100 + 60 * k, 400, 0.5)]);
  assert.equal(
    follow(moving.map((faces, k) => (k % 2 ? faces : faces.toReversed()))),
    moving.map((_, k) => (k % 2 ? [1, 0] : [0, 1])),
  );
});

test('two who cross keep their tracks: unlike ones, and like ones by where they were going', () => {
  for (const greys of [
    [0.35, 0.5],
    [0.5, 0.5],
  ]) {
    const crossing = steps(9).map((k) => [
      face(100 + 90 * k, 200, greys[0]),
      face(820 - 90 * k, 210, greys[1]),
    ]);
    assert.equal(
      follow(crossing),
      crossing.map(() => [0, 1]),
      `${greys}`,
    );
  }
});

test('who is hidden behind another for a moment is the same afterwards', () => {
  const hidden = steps(9).map((k) => {
    const front = face(100 + 90 * k, 200, 0.35);
    return k === 4 ? [front] : [front, face(820 - 90 * k, 200, 0.5)];
  });
  assert.equal(
    follow(hidden),
    hidden.map(({ length }) => (length === 1 ? [0] : [0, 1])),
  );
});

test('who turns back before the other is known by the colours', () => {
  const turning = steps(9).map((k) => {
    const near = k <= 4 ? k : 8 - k;
    return [face(300 + 40 * near, 200, 0.35), face(660 - 40 * near, 200, 0.5)];
  });
  assert.equal(
    follow(turning),
    turning.map(() => [0, 1]),
  );
});

test('back within a moment it is the same track, later a new one; another in its place is another', () => {
  const still = [face(300, 200)];
  assert.equal(follow([still, [], [], still]), [[0], [], [], [0]]);
  assert.equal(follow([still, [], [], [], [], [], still]), [[0], [], [], [], [], [], [1]]);
  // Frames that lie far apart: three that were missed make a longer while.
  assert.equal(follow([still, [], still], 5), [[0], [], [0]]);
  assert.equal(follow([still, [face(300, 200, 0.8)]]), [[0], [1]]);
  assert.equal(follow([still, [face(300, 200, 0.5, 300)]]), [[0], [1]]);
  assert.equal(follow([still, [face(700, 200)]]), [[0], [1]]);
});

test('a cut ends all tracks, though a face like the last is where the last was', () => {
  const still = [face(300, 200)];
  assert.equal(follow([still, still, { cut: still }, still]), [[0], [0], [1], [1]]);
});

test('two faces of one frame are never one track', () => {
  const crowd = steps(40).map((k) => face(60 + 22 * (k % 20), 100 + 20 * Math.floor(k / 20)));
  for (const tracks of follow([crowd, crowd.slice(7), crowd.toReversed()])) {
    assert.is(new Set(tracks).size, tracks.length);
  }
});

test('a cut is told from a camera that turns, from more light, and from what moves in the picture', () => {
  const wide = drawnPicture(1200, 400, 5);
  const view = (x: number) => resize(wide, 480, 270, [x, 20, 600, 338]);
  assert.not(isCut(lookOf(view(0)), lookOf(view(120))));
  const brighter = { ...view(0), data: view(0).data.map((value) => value * 1.1) };
  assert.not(isCut(lookOf(view(0)), lookOf(brighter)));
  const room = backdrop(480, 270, 1);
  const person = drawnPicture(90, 120, 9);
  const [left, right] = [120, 360].map((x) => lookOf(scene(room, [[person, x, 140]])));
  assert.not(isCut(left, right));
  assert.ok(isCut(lookOf(view(0)), lookOf(drawnPicture(480, 270, 6))));
  const black = { width: 4, height: 4, data: new Uint8ClampedArray(48) };
  assert.ok(isCut(lookOf(view(0)), lookOf(black)));
});

test('the looks of pictures of one pixel and of 1 x 20,000 are finite and add up', () => {
  for (const [width, height] of [
    [1, 1],
    [1, 20000],
    [20000, 1],
  ]) {
    const look = lookOf({
      width,
      height,
      data: new Uint8ClampedArray(width * height * 3).fill(51),
    });
    assert.ok(look.cells.every((value) => Math.abs(value - 0.2) < 1e-4));
    assert.ok(Math.abs(look.colours.reduce((sum, value) => sum + value, 0) - 1) < 1e-4);
  }
});

test('an appearance is what the face looks like, wherever it is and however large', () => {
  const person = drawnPicture(120, 120, 3);
  const [small, large] = [
    [person, 200, 150],
    [resize(person, 240, 240), 260, 180],
  ] as const;
  const [one, two] = [small, large].map(([picture, x, y]) => {
    const { width, height } = picture;
    const box: Box = [x - width / 2, y - height / 2, width, height];
    return appearanceOf(scene(backdrop(520, 360, 1), [[picture, x, y]]), { box });
  });
  assert.ok(one.every((value, i) => Math.abs(value - two[i]) < 0.02));
});
