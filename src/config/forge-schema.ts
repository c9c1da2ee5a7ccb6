/**
 * The configuration key `train.forge`: how training draws a new forgery of each real face at each
 * visit. Defaults are the measured mixture for faces of 120 pixels and more at an input of 224.
 */
import * as z from 'zod';

/** Ways to forge a face; `reconstruct` needs what `llsm autoencoder apply` wrote into the set. */
export const forgeMethods = ['self-blend', 'swap', 'parts', 'generator', 'reconstruct'] as const;
export type ForgeMethod = (typeof forgeMethods)[number];

/**
 * Regions of a picture that are altered. `outline` and `features` follow the 68 points of faces that
 * have them (`llsm data points`), and are `hull` and `inner` on others. `outside` is a piece of hair,
 * neck or background; `background` is all but the face; `crop` is everything.
 */
export const forgeRegions = [
  'face',
  'hull',
  'inner',
  'lower',
  'upper',
  'box',
  'crop',
  'outline',
  'features',
  'outside',
  'background',
] as const;
export type ForgeRegion = (typeof forgeRegions)[number];

const chance = z.number().min(0).max(1);
const range = (low: number, high: number) =>
  z
    .tuple([z.number().min(low).max(high), z.number().min(low).max(high)])
    .refine(([from, to]) => from <= to, 'must be [lower, higher]');
/** Shares in proportion to each other; what is not named has none. */
const shares = <const Name extends string>(names: readonly Name[]) =>
  z
    .partialRecord(z.enum(names), z.number().min(0).max(1e6))
    .refine(
      (given) => Object.values(given).some((share) => Number(share) > 0),
      'has no share above 0',
    );

const quality = range(1, 100).refine((q) => q.every(Number.isInteger), 'must be whole numbers');

const finishSchema = z.strictObject({
  /** Chance that both of a pair get the same draw, so that only an inconsistency inside one face counts. */
  same: chance.default(0.5),
  colour: chance.default(0.5),
  blur: chance.default(0.2),
  /** Standard deviations in pixels of the network's input. */
  blurSigma: range(0.1, 10).default([0.3, 0.8]),
  noise: chance.default(0.3),
  /** Standard deviations in grey levels. */
  noiseSigma: range(0, 100).default([0.5, 4]),
  jpeg: chance.default(1),
  jpegQuality: quality.default([60, 100]),
});

const degradeSchema = z.strictObject({
  /** Chance that a pair is degraded at all. */
  chance: chance.default(0.6),
  same: chance.default(0.7),
  /** Chance of a trip to a smaller size and back, and the sizes, as parts of the side. */
  shrink: chance.default(0.7),
  scale: range(0.1, 1).default([0.35, 1]),
  blur: chance.default(0.2),
  blurSigma: range(0.1, 10).default([0.4, 1.2]),
  noise: chance.default(0.2),
  noiseSigma: range(0, 100).default([1, 6]),
  jpeg: chance.default(0.8),
  jpegQuality: quality.default([35, 95]),
  /** Chance that size, blur, noise and JPEG happen a second time, with blocks that lie elsewhere. */
  again: chance.default(0),
  /** Chance that a camera's program was at work: noise taken away (half of the time), tones changed, sharpened. */
  camera: chance.default(0),
  /** How much is sharpened: parts of what a blur takes away. */
  sharpen: range(0, 4).default([0.3, 1.2]),
  /** Chance that it is a picture of a screen's window: resized by its nearest pixels or linearly, never compressed before. */
  screen: chance.default(0),
});

const regionsSchema = z.strictObject({
  'self-blend': shares(forgeRegions).default({
    face: 0.4,
    hull: 0.3,
    inner: 0.15,
    lower: 0.08,
    upper: 0.07,
  }),
  swap: shares(forgeRegions).default({ face: 0.375, hull: 0.375, box: 0.25 }),
  generator: shares(forgeRegions).default({ face: 0.25, hull: 0.25, box: 0.3, crop: 0.2 }),
  reconstruct: shares(forgeRegions).default({ face: 0.25, outline: 0.25, box: 0.3, crop: 0.2 }),
});

const viewSchema = z.strictObject({
  /** Chance of a mirror image. */
  flip: chance.default(0.5),
  /** Chance that the view is a square of another size than the input's, resized to it. */
  resize: chance.default(0),
  /** Sides of these squares, as parts of the face crop's. */
  side: range(0.5, 1).default([0.8, 1]),
  /** Chance that the view is turned and resampled, as pictures are that others aligned by landmarks. */
  turn: chance.default(0),
  /** The largest turn, in degrees; and sizes that turned views are made larger by. */
  degrees: z.number().min(0).max(180).default(15),
  zoom: range(0.5, 2).default([0.9, 1.3]),
});

const keys = {
  /** Methods with their shares of the pairs. */
  methods: shares(forgeMethods),
  /** Regions that each method alters, with their shares; `parts` alters eyes or mouth. */
  regions: regionsSchema,
  /** Opacities of a self-blend's copy, one of which is drawn. */
  ratios: z.array(z.number().min(0.05).max(1)).min(1),
  /** Strength of a self-blend's colour change. */
  colour: z.number().min(0).max(4),
  /** Part of the colour difference that a swap, a part or a reconstruction takes away. */
  transfer: range(0, 1),
  /** Chance that what a swap, a part or a reconstruction lays over bears a generator's traces. */
  traces: chance,
  /** Chance that both of a pair begin from a picture changed in colour and sharpness. */
  vary: chance,
  /** Mild post-processing of a pair after it was made. */
  finish: finishSchema,
  /** Degradations of the whole pictures after that: down in size and up again, compressed again. */
  degrade: degradeSchema,
  view: viewSchema,
};

const defaults = {
  methods: { 'self-blend': 0.3, swap: 0.4, parts: 0.15, generator: 0.15 },
  ratios: [0.5, 0.75, 1, 1, 1],
  colour: 1,
  transfer: [0.7, 1] as [number, number],
  traces: 0.6,
  vary: 0.3,
};

const whole = z.strictObject({
  ...keys,
  /** Side that face crops are brought to before they are forged; the network sees a part of it. */
  crop: z.int().min(64).max(1024).default(256),
  methods: keys.methods.default(defaults.methods),
  regions: keys.regions.prefault({}),
  ratios: keys.ratios.default(defaults.ratios),
  colour: keys.colour.default(defaults.colour),
  transfer: keys.transfer.default(defaults.transfer),
  traces: keys.traces.default(defaults.traces),
  vary: keys.vary.default(defaults.vary),
  finish: keys.finish.prefault({}),
  degrade: keys.degrade.prefault({}),
  view: keys.view.prefault({}),
});

/** Every key has a default, and `true` means all defaults; an unknown key is an error. */
export const forgeSchema = z.preprocess((value) => (value === true ? {} : value), whole);
export type Forging = z.output<typeof whole>;

/** What a stage of training changes of it: a key given replaces the whole of that key. */
export const forgeChangeSchema = z.strictObject(keys).partial();
export type ForgingChange = z.output<typeof forgeChangeSchema>;

/** The settings of methods where only they are chosen. */
export const forgingOf = (given: z.input<typeof whole>): Forging => whole.parse(given);

/**
 * What is learnt first: whole faces, fully laid over, colours far off, hardly compressed and both of a
 * pair alike. A network that begins with harder ones learns next to nothing for long.
 */
export const easyForging = {
  regions: {
    'self-blend': { face: 1, hull: 1 },
    swap: { face: 1, hull: 1 },
    generator: { face: 1, hull: 1 },
  },
  ratios: [1],
  colour: 1.6,
  transfer: [0, 0.4],
  vary: 0,
  finish: { same: 1, blur: 0, noise: 0, jpeg: 0.5, jpegQuality: [80, 100] },
  degrade: { chance: 0 },
} satisfies z.input<typeof whole>;
