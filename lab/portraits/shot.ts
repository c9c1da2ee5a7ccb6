/** How a person is pictured: light, pose, expression, clothes, background and camera. */
import type { Random } from '../../src/base/random.ts';
import { type Colour, mix, scaled, srgb } from './canvas.ts';
import { type Light, unit } from './light.ts';

/** Angles in radians; the rest in parts of the picture's side. */
export interface Pose {
  /** Above 0 the face turns to the right of the picture. */
  yaw: number;
  /** Above 0 the head is bowed. */
  pitch: number;
  roll: number;
  /** Length of a head unit, and where the point between the eyes lies. */
  scale: number;
  x: number;
  y: number;
}

export interface Expression {
  smile: number;
  /** 0 closed; above 0.15 teeth show. */
  open: number;
  /** Factor of the lids' distance. */
  lids: number;
  brows: number;
  gaze: [number, number];
}

export interface Backdrop {
  kind: 'gradient' | 'wall' | 'bokeh' | 'outdoors' | 'room' | 'canvas';
  colours: [Colour, Colour, Colour];
  angle: number;
  detail: number;
}

export interface Clothes {
  neckline: 'crew' | 'vee' | 'collar' | 'high';
  weave: 'plain' | 'stripes' | 'knit' | 'check';
  colour: Colour;
  second: Colour;
  folds: number;
}

export interface Camera {
  /** Standard deviations in pixels of the finished picture, and of 255 grey levels. */
  blur: number;
  readNoise: number;
  shotNoise: number;
  /** 0 white noise, 1 noise that the camera has smoothed; how far noise differs between colours. */
  noiseGrain: number;
  noiseColour: number;
  exposure: number;
  balance: Colour;
  contrast: number;
  saturation: number;
  vignette: number;
  /** Strength of the camera's own sharpening. */
  sharpen: number;
}

export interface Shot {
  pose: Pose;
  expression: Expression;
  light: Light;
  backdrop: Backdrop;
  clothes: Clothes;
  camera: Camera;
}

function drawLight(random: Random): Light {
  const across = random.uniform(0.1, 1.15) * (random.chance(0.5) ? 1 : -1);
  const up = random.uniform(0.1, 0.95);
  const warmth = random.uniform(-1, 1);
  const tint: Colour = [1 + 0.12 * warmth, 1, 1 - 0.17 * warmth];
  const hard = random.uniform(0.5, 1.02);
  const sky: Colour = [0.42 - 0.05 * warmth, 0.43, 0.45 + 0.07 * warmth];
  const soft = 1.25 - 0.6 * hard;
  return {
    key: unit([Math.sin(across) * Math.cos(up), -Math.sin(up), Math.cos(across) * Math.cos(up)]),
    keyColour: scaled(tint, hard),
    fill: unit([-Math.sign(across), random.uniform(-0.3, 0.3), 0.35]),
    fillColour: mix(
      scaled(tint, random.uniform(0.02, 0.22)),
      [random.uniform(0, 0.3), random.uniform(0, 0.25), random.uniform(0, 0.3)],
      0.4,
    ),
    above: scaled(sky, soft * 1.25),
    below: scaled([0.4, 0.35, 0.32], soft * 0.75),
  };
}

function anyColour(random: Random, low: number, high: number, vivid: number): Colour {
  const value = random.uniform(low, high);
  const hue = random.uniform(0, 2 * Math.PI);
  const part = (turn: number) => value * (1 + vivid * Math.cos(hue + turn));
  return [part(0), part(2.1), part(4.2)];
}

/** Draws one picture's circumstances. Equal streams give equal ones. */
export function drawShot(random: Random): Shot {
  const u = (low: number, high: number) => random.uniform(low, high);
  const kind = random.pick(['gradient', 'wall', 'bokeh', 'outdoors', 'room', 'canvas'] as const);
  const smile = random.chance(0.55) ? u(0.25, 1) : u(-0.3, 0.25);
  const noisy = random.next() ** 2;
  const vivid = u(0.05, 0.6);
  const dark = random.chance(0.35);
  return {
    pose: {
      yaw: Math.max(-0.38, Math.min(0.38, 0.16 * random.normal())),
      pitch: Math.max(-0.18, Math.min(0.18, 0.07 * random.normal())),
      roll: 0.055 * random.normal(),
      scale: u(0.315, 0.35),
      x: 0.5 + u(-0.02, 0.02),
      y: u(0.45, 0.485),
    },
    expression: {
      smile,
      open: smile > 0.45 && random.chance(0.55) ? u(0.2, 0.6) : u(-0.1, 0.12),
      lids: u(0.8, 1.08) - 0.12 * Math.max(0, smile),
      brows: 0.02 * random.normal(),
      gaze: [0.03 * random.normal(), 0.012 * random.normal()],
    },
    light: drawLight(random),
    backdrop: {
      kind,
      colours: dark
        ? [
            anyColour(random, 0.02, 0.12, vivid),
            anyColour(random, 0.01, 0.08, vivid),
            anyColour(random, 0.05, 0.3, vivid),
          ]
        : [
            anyColour(random, 0.15, 0.6, vivid),
            anyColour(random, 0.1, 0.5, vivid),
            anyColour(random, 0.2, 0.8, vivid),
          ],
      angle: u(0, 2 * Math.PI),
      detail: u(0.3, 1),
    },
    clothes: {
      neckline: random.pick(['crew', 'vee', 'collar', 'high', 'crew', 'collar'] as const),
      weave: random.pick(['plain', 'stripes', 'knit', 'check', 'plain', 'knit'] as const),
      colour: random.chance(0.25) ? srgb(225, 222, 216) : anyColour(random, 0.02, 0.35, u(0, 0.7)),
      second: anyColour(random, 0.05, 0.5, u(0, 0.6)),
      folds: u(0.4, 1),
    },
    camera: {
      blur: random.chance(0.35) ? u(0.5, 0.95) : u(0.05, 0.45),
      readNoise: 0.4 + 3.5 * noisy * u(0.5, 1),
      shotNoise: 0.4 + 4.5 * noisy * u(0.4, 1),
      noiseGrain: random.next(),
      noiseColour: u(0.2, 0.9),
      exposure: u(0.85, 1.2),
      balance: [u(0.94, 1.07), 1, u(0.92, 1.08)],
      contrast: u(0.85, 1.2),
      saturation: u(0.8, 1.15),
      vignette: random.chance(0.6) ? u(0.05, 0.45) : 0,
      sharpen: random.chance(0.4) ? u(0.15, 0.6) : 0,
    },
  };
}
