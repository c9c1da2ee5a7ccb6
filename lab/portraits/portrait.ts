/**
 * Portraits of people who do not exist, drawn from numbers alone: for trying the whole chain where
 * no photographs are at hand. They are drawings, and results on them say nothing about photographs.
 */
import { LlsmError } from '../../src/base/errors.ts';
import type { Random } from '../../src/base/random.ts';
import type { Box } from '../../src/image/pixels.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { paintBackdrop } from './backdrop.ts';
import { paintBody, paintEars } from './body.ts';
import { expose } from './camera.ts';
import { Canvas } from './canvas.ts';
import { drawBeard, drawBrows, drawGlasses } from './details.ts';
import { EyePainter } from './eyes.ts';
import { paintFace, type Scene } from './face.ts';
import { drawHair, growHair, hairShadow } from './hair.ts';
import { Head, halfWidth } from './head.ts';
import { MouthPainter } from './mouth.ts';
import { Noise } from './noise.ts';
import { drawPerson, type Person } from './person.ts';
import { drawShot } from './shot.ts';

export type Point = [number, number];

export interface Portrait {
  image: RgbImage;
  /** YuNet's order: right eye, left eye, nose tip, right and left corner of the mouth, in pixels. */
  landmarks: [Point, Point, Point, Point, Point];
  /** The face from forehead to chin, [x, y, width, height] in pixels. */
  box: Box;
}

/**
 * Draws a picture of a person: light, pose, expression, clothes, background and camera come from
 * `random`. Equal streams give equal pictures.
 * @param size side of the picture in pixels, 64 to 1024
 * @param person another one is drawn first where none is given
 * @throws LlsmError for another size.
 */
export function drawPortrait(
  random: Random,
  size: number,
  person: Person = drawPerson(random),
): Portrait {
  if (!Number.isInteger(size) || size < 64 || size > 1024) {
    throw new LlsmError(`a portrait is 64 to 1024 pixels wide, not ${size}.`);
  }
  const shot = drawShot(random);
  const { light, pose, expression } = shot;
  const canvas = new Canvas(size * 2);
  const noise = new Noise(random);
  const { shape, age, hair } = person;
  const head = new Head(shape, expression, age, hair.receding, pose, light, canvas.side);
  const eyes = new EyePainter(person, expression, light, noise);
  const mouth = new MouthPainter(person, expression, noise);
  const scene: Scene = { person, light, head, noise, eyes, mouth };

  const strands = growHair(scene, random);
  const front = new Canvas(canvas.side);
  drawHair(front, strands, scene, true);
  const shadow = hairShadow(front, scene);

  paintBackdrop(canvas, shot.backdrop, noise, random);
  drawHair(canvas, strands, scene, false);
  paintBody(canvas, scene, shot.clothes);
  paintEars(canvas, scene, shadow);
  paintFace(canvas, scene, front, shadow);
  drawBrows(canvas, scene, random);
  eyes.lashes(canvas, head);
  drawBeard(canvas, scene, random);
  canvas.over(front);
  drawGlasses(canvas, scene);

  const at = (u: number, v: number): Point => {
    const [x, y] = head.project(u, v);
    return [x / 2, y / 2];
  };
  const { eyeX, eyeY, noseY } = shape;
  const box = boxAround(
    [shape.crown * 0.62, -0.3, 0.1, 0.5, shape.chin - 0.01].flatMap((v) => [
      at(-halfWidth(shape, v), v),
      at(halfWidth(shape, v), v),
    ]),
  );
  return {
    image: expose(canvas, shot.camera, size, random),
    landmarks: [
      at(-eyeX, eyeY),
      at(eyeX, eyeY),
      at(0, noseY - 0.02),
      at(...mouth.corner(-1)),
      at(...mouth.corner(1)),
    ],
    box,
  };
}

function boxAround(points: readonly Point[]): Box {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
}
