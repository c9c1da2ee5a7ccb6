/**
 * Who is drawn: everything about a person that stays from picture to picture. Lengths are in head
 * units: the origin lies between the eyes, the chin about 1.06 below it, x to the right, y down.
 */
import type { Random } from '../../src/base/random.ts';
import { type Colour, mix, scaled, srgb } from './canvas.ts';

export interface FaceShape {
  /** Half width at the cheekbones, and where crown and chin end. */
  cheek: number;
  crown: number;
  chin: number;
  /** Exponents of the jaw's outline: higher ones make it square. */
  jaw: number;
  jawRound: number;
  eyeX: number;
  eyeY: number;
  /** Half the width of an eye; how far its outer corner rises; lids' distances from its axis. */
  eye: number;
  eyeTilt: number;
  lidUp: number;
  lidDown: number;
  /** Height of the fold above the upper lid, and how clear it is. */
  fold: number;
  foldDepth: number;
  browY: number;
  browArch: number;
  browHalf: number;
  browTilt: number;
  noseY: number;
  noseWidth: number;
  noseHeight: number;
  noseBridge: number;
  noseTip: number;
  mouthY: number;
  mouth: number;
  lipUp: number;
  lipDown: number;
  cheekbone: number;
  browRidge: number;
  chinHeight: number;
  ear: number;
  neck: number;
}

export type HairKind =
  | 'bald'
  | 'buzz'
  | 'parted'
  | 'swept'
  | 'fringe'
  | 'bob'
  | 'long'
  | 'curls'
  | 'tied';

export interface Hair {
  kind: HairKind;
  colour: Colour;
  length: number;
  /** Where the hair is parted, along x on the crown; its sign is the side it is combed to. */
  part: number;
  volume: number;
  wave: number;
  waveLength: number;
  /** How far the hairline has moved back, 0 to 1. */
  receding: number;
  shine: number;
  thickness: number;
}

export interface Skin {
  colour: Colour;
  /** 0 fair to 1 dark. */
  melanin: number;
  flush: number;
  mottle: number;
  pores: number;
  poreSize: number;
  freckles: number;
  gloss: number;
  circles: number;
  moles: { u: number; v: number; radius: number; dark: number }[];
}

export interface Person {
  shape: FaceShape;
  skin: Skin;
  hair: Hair;
  /** 0 young to 1 old. */
  age: number;
  iris: Colour;
  irisRing: Colour;
  pupil: number;
  lashes: number;
  liner: number;
  lidColour: Colour;
  lidTint: number;
  lips: Colour;
  lipGloss: number;
  brow: Colour;
  browDensity: number;
  /** Amount of beard, moustache and stubble, 0 to 1. */
  beard: number;
  beardLength: number;
  moustache: number;
  stubble: number;
  glasses: { round: number; half: number; rim: number; colour: Colour; tint: number } | null;
  /** Where this person's own skin and hair noise begins. */
  noise: [number, number];
}

const skins: Colour[] = [
  srgb(250, 218, 198),
  srgb(240, 200, 172),
  srgb(226, 180, 148),
  srgb(204, 154, 118),
  srgb(170, 120, 86),
  srgb(128, 86, 60),
  srgb(94, 62, 45),
];

function ramp(colours: Colour[], at: number): Colour {
  const x = Math.min(0.9999, Math.max(0, at)) * (colours.length - 1);
  const low = Math.floor(x);
  return mix(colours[low], colours[low + 1], x - low);
}

const irises: [Colour, Colour][] = [
  [srgb(92, 56, 30), srgb(128, 82, 44)],
  [srgb(58, 36, 24), srgb(86, 54, 32)],
  [srgb(110, 84, 42), srgb(146, 108, 54)],
  [srgb(88, 104, 66), srgb(142, 120, 62)],
  [srgb(84, 120, 152), srgb(134, 158, 170)],
  [srgb(108, 126, 136), srgb(152, 160, 156)],
];

function drawHair(random: Random, soft: number, age: number, melanin: number): Hair {
  const dark = [srgb(26, 21, 20), srgb(40, 28, 22), srgb(58, 38, 27)];
  const light = [srgb(92, 60, 38), srgb(126, 84, 48), srgb(190, 148, 92), srgb(132, 62, 32)];
  let colour = melanin > 0.5 || random.chance(0.35) ? random.pick(dark) : random.pick(light);
  colour = scaled(colour, random.uniform(0.8, 1.25));
  const grey = Math.max(0, age - 0.45) * random.uniform(0.4, 2.2);
  colour = mix(colour, srgb(176, 172, 168), Math.min(0.9, grey));
  const longKinds: HairKind[] = ['bob', 'long', 'long', 'tied', 'bob', 'curls', 'fringe', 'parted'];
  const shortKinds: HairKind[] = ['parted', 'swept', 'fringe', 'buzz', 'parted', 'curls', 'swept'];
  let kind = random.pick(random.chance(soft) ? longKinds : shortKinds);
  if (soft < 0.5 && random.chance(0.06 + 0.25 * age)) kind = 'bald';
  if (melanin > 0.7 && random.chance(0.4)) kind = random.pick(['curls', 'buzz', 'tied'] as const);
  const length = {
    bald: 0.1,
    buzz: 0.06,
    parted: random.uniform(0.34, 0.55),
    swept: random.uniform(0.3, 0.5),
    fringe: random.uniform(0.4, 0.52),
    bob: random.uniform(1.25, 1.65),
    long: random.uniform(2.2, 3),
    curls: random.uniform(0.2, 0.4) + 0.5 * soft * random.next(),
    tied: 1.3,
  }[kind];
  const wavy = random.chance(0.5);
  return {
    kind,
    colour,
    length,
    part: random.uniform(0.02, 0.4) * (random.chance(0.5) ? 1 : -1),
    volume: random.uniform(0.05, 0.14),
    wave: wavy ? random.uniform(0.02, 0.06) : random.uniform(0, 0.012),
    waveLength: random.uniform(0.35, 0.7),
    receding: soft < 0.5 ? random.next() * age : 0.1 * random.next(),
    shine: random.uniform(0.25, 0.8),
    thickness: random.uniform(0.8, 1.25),
  };
}

/** Draws a person. Equal streams give equal people. */
export function drawPerson(random: Random): Person {
  const u = (low: number, high: number) => random.uniform(low, high);
  /** About the middle of a range more often than at its ends. */
  const mid = (low: number, high: number) =>
    low + ((high - low) * (random.next() + random.next())) / 2;
  const soft = random.chance(0.5) ? u(0.6, 1) : u(0, 0.4);
  const age = random.next() ** 1.8;
  const melanin = random.next();
  const tone = ramp(skins, melanin);
  const warm = u(-0.06, 0.06);
  const skinColour: Colour = [tone[0] * (1 + warm * 0.4), tone[1], tone[2] * (1 - warm * 2)];
  const eye = mid(0.15, 0.182) + 0.008 * soft;
  const iris = random.pick(melanin > 0.55 ? irises.slice(0, 2) : irises);
  const hair = drawHair(random, soft, age, melanin);
  const made = soft > 0.5 ? random.next() * u(0.2, 1) : 0;
  const paint = random.pick([
    srgb(176, 40, 52),
    srgb(196, 84, 92),
    srgb(150, 50, 60),
    srgb(206, 110, 104),
  ]);
  const natural: Colour = [
    skinColour[0] * 0.72 + 0.03,
    skinColour[1] * 0.42 + 0.006,
    skinColour[2] * 0.45 + 0.012,
  ];
  const bearded = soft < 0.5 && random.chance(0.42);
  const lidUp = mid(0.36, 0.48);
  const shape: FaceShape = {
    cheek: mid(0.65, 0.765),
    crown: -u(1.02, 1.1),
    chin: mid(1.0, 1.12) - 0.03 * soft,
    jaw: mid(1.9, 2.7) - 0.25 * soft,
    jawRound: mid(0.54, 0.7) + 0.03 * soft,
    eyeX: mid(0.3, 0.355),
    eyeY: u(-0.02, 0.02),
    eye,
    eyeTilt: mid(-0.2, 0.06),
    lidUp,
    lidDown: mid(0.2, 0.3),
    fold: u(0.1, 0.26),
    foldDepth: random.chance(0.2) ? u(0, 0.25) : u(0.5, 1),
    browY: -mid(0.225, 0.29) - 0.02 * soft,
    browArch: mid(0, 0.08) + 0.02 * soft,
    browHalf: mid(0.036, 0.058) - 0.016 * soft,
    browTilt: u(-0.08, 0.06),
    noseY: mid(0.35, 0.43),
    noseWidth: mid(0.125, 0.18) - 0.02 * soft + 0.025 * melanin,
    noseHeight: mid(0.22, 0.36),
    noseBridge: mid(0.3, 0.75),
    noseTip: mid(0.052, 0.085) - 0.006 * soft,
    mouthY: mid(0.605, 0.675),
    mouth: mid(0.23, 0.32),
    lipUp: mid(0.042, 0.08) + 0.014 * melanin + 0.008 * soft,
    lipDown: mid(0.07, 0.11) + 0.014 * melanin + 0.01 * soft,
    cheekbone: u(0.02, 0.08),
    browRidge: u(0.01, 0.06) * (1.2 - 0.6 * soft),
    chinHeight: u(0.03, 0.1),
    ear: u(0.88, 1.15),
    neck: mid(0.35, 0.41) + 0.1 * (1 - soft),
  };
  return {
    shape,
    age,
    hair,
    skin: {
      colour: skinColour,
      melanin,
      flush: u(0.2, 1) * (1 - 0.5 * melanin),
      mottle: u(0.3, 1),
      pores: u(0.25, 1) * (0.7 + 0.6 * age),
      poreSize: u(26, 44),
      freckles: melanin < 0.45 && random.chance(0.35) ? u(0.3, 1) : 0,
      gloss: u(0.05, 0.22) + 0.08 * melanin,
      circles: u(0.1, 0.6) + 0.4 * age,
      moles: Array.from({ length: random.int(4) }, () => ({
        u: u(-0.6, 0.6),
        v: u(-0.5, 0.95),
        radius: u(0.008, 0.018),
        dark: u(0.35, 0.8),
      })),
    },
    iris: scaled(iris[0], u(0.75, 1.25)),
    irisRing: scaled(iris[1], u(0.8, 1.3)),
    pupil: u(0.34, 0.48),
    lashes: 0.35 + 0.65 * soft * u(0.6, 1),
    liner: made * u(0.3, 1),
    lidColour: random.pick([srgb(120, 80, 90), srgb(96, 80, 70), srgb(80, 84, 110)]),
    lidTint: made > 0.4 ? u(0.1, 0.5) : 0,
    lips: mix(natural, paint, made * 0.75),
    lipGloss: u(0.12, 0.25) + 0.3 * made,
    brow: mix(scaled(hair.colour, 0.75), srgb(40, 28, 22), 0.35),
    browDensity: u(0.55, 1) * (1 - 0.25 * soft),
    beard: bearded && random.chance(0.7) ? u(0.4, 1) : 0,
    beardLength: u(0.03, 0.1),
    moustache: bearded ? u(0.5, 1) : 0,
    stubble: soft < 0.5 ? u(0, 1) : 0,
    glasses: random.chance(0.16 + 0.12 * age)
      ? {
          round: u(2, 4.5),
          half: u(0.22, 0.27),
          rim: u(0.008, 0.024),
          colour: random.pick([
            srgb(24, 22, 24),
            srgb(70, 44, 28),
            srgb(150, 140, 120),
            srgb(90, 22, 30),
          ]),
          tint: u(0, 0.12),
        }
      : null,
    noise: [u(0, 64), u(0, 64)],
  };
}
