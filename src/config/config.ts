/** The one configuration of a network and its training: schema, defaults, presets, comparison. */
import * as z from 'zod';
import { LlsmError } from '../base/errors.ts';
import { nearest } from '../base/nearest.ts';
import { augmentSchema } from './augment-schema.ts';
import { forgeChangeSchema, forgeSchema } from './forge-schema.ts';

/** Every feature map of the encoder that can be read: the five skips and each block's raw sum. */
export const TAPS = [
  'e1',
  'e2',
  'e3',
  'e4',
  'e5',
  'block1',
  'block2',
  'block3',
  'block4',
  'block5',
  'block6',
  'block7',
  'block8',
  'block9',
  'block10',
  'block11',
  'block12',
] as const;

/** Sides of the square input that a network can have, in pixels. */
export const sizeRange = { least: 64, most: 896 };

const count = () => z.int().min(1);

const llsmSchema = z.strictObject({
  /** The feature map whose positions are compared in pairs. */
  tap: z.enum(TAPS).default('block7'),
  /** The pair function: see src/model/llsm/params.ts for its tensors. */
  head: z.enum(['linear', 'mlp', 'absdiff', 'bilinear']).default('mlp'),
  /** K of `mlp`, D of `bilinear`; never multiplied by `width`. */
  hidden: count().max(1024).default(64),
  /** Pairs of positions in the training loss: all, or n drawn for each image and step. */
  pairs: z.union([z.literal('all'), count()]).default('all'),
});

const trainSchema = z.strictObject({
  /** Adam's learning rate after the warm-up. */
  lr: z.number().positive().default(1e-4),
  /** Images in one optimiser step; must be a multiple of `accumulate`. */
  batch: count().default(32),
  /** Micro-batches that one step is split into; batch norm then sees batch / accumulate images. */
  accumulate: count().default(1),
  /** Steps in an epoch. */
  iterations: count().default(200),
  epochs: count().default(20),
  seed: z.int().min(0).max(0xffffffff).default(0),
  /** Draw as many real as forged faces. */
  balance: z.boolean().default(true),
  augment: z.union([z.literal(false), augmentSchema]).default(false),
  /**
   * Forgeries drawn anew from the real faces at each visit, in place of those that the data hold: a
   * batch is then half real faces and half their forgeries, and `balance` and `augment` have no part.
   */
  forge: z.union([z.literal(false), forgeSchema]).default(false),
  /** What changes in the course of the run, in the order of `from`. */
  stages: z
    .array(
      z.strictObject({
        /** Images seen before it. */
        from: z.int().min(0),
        forge: forgeChangeSchema.optional(),
        /** Takes the place of `train.lr`; warm-up and decay go on as they are. */
        lr: z.number().positive().optional(),
      }),
    )
    .refine((stages) => stages.every(({ from }, i) => i === 0 || from > stages[i - 1].from), {
      message: 'must be in the order of `from`, each of another',
    })
    .default([]),
  /**
   * Decay of a running mean of the weights and statistics, which validation measures and
   * weights.safetensors holds; false: the weights as they are.
   */
  ema: z.union([z.literal(false), z.number().min(0.5).max(0.99999)]).default(false),
  /** Steps of warm-up: step k, from 0, runs at lr * (k + 1) / warmup. */
  warmup: z.int().min(0).default(0),
  /**
   * After the warm-up: `lr` throughout, or half a cosine from `lr` at its end to lr * `floor` at the
   * run's last step.
   */
  schedule: z.enum(['constant', 'cosine']).default('constant'),
  floor: z.number().min(0).max(1).default(0.1),
  /**
   * How feature maps and their gradients are stored; weights, moments, statistics and arithmetic are f32.
   * 16 bits need shader-f16 and a loss scale, which finds itself.
   */
  precision: z.enum(['f32', 'f16']).default('f32'),
});

const configSchema = z.strictObject({
  /** Side of the square input, in pixels. */
  size: z.int().min(sizeRange.least).max(sizeRange.most).default(224),
  /** Multiplies every channel count (llsm/params.ts, `channels`). */
  width: z.number().min(0.05).max(1).default(1),
  /** Epsilon of every batch norm: 1e-5 in PyTorch's Xception, 1e-3 in Keras'. */
  bnEps: z.number().positive().max(1).default(1e-5),
  /** Max-pool padding: `torch` (1,1); `tf` (0,1) on even sizes. */
  poolPad: z.enum(['torch', 'tf']).default('torch'),
  /** Three fixed high-pass residuals of the picture beside its RGB, as input of the encoder. */
  residual: z.boolean().default(false),
  llsm: z.union([z.literal(false), llsmSchema]).prefault({}),
  flm: z.boolean().default(true),
  /**
   * Side of a map of log-odds that is added to the mask's logits and not trained: where training masks
   * lie on average, so that position alone earns nothing. It is stored with the weights. false: none.
   */
  maskPrior: z.union([z.literal(false), z.int().min(4).max(64).multipleOf(4)]).default(false),
  head: z
    .strictObject({
      /** What the classifier pools: d1, e5, or both; without FLM it is always e5. */
      source: z.enum(['decoder', 'encoder', 'both']).default('decoder'),
    })
    .prefault({}),
  /** Weights of the pair loss (alpha) and of the mask loss (beta). */
  loss: z
    .strictObject({
      alpha: z.number().min(0).max(1).default(0.5),
      beta: z.number().min(0).max(1).default(0.5),
      /** The mask loss: cross-entropy a pixel, or that plus Dice's of each mask that is not empty. */
      mask: z.enum(['bce', 'bce+dice']).default('bce'),
    })
    .prefault({}),
  train: trainSchema.prefault({}),
});

export type Config = z.output<typeof configSchema>;
/** A config as written by hand: every key may be left out. */
export type ConfigInput = z.input<typeof configSchema>;
export type Tap = (typeof TAPS)[number];

/**
 * Named configs. `paper` holds the paper's settings; `baseline`, `+llsm` and `+flm` are, with it,
 * the four rows of its Table IV. `small` is a quarter-width network trained from scratch, where
 * Adam needs a larger rate with a warm-up and a decay.
 */
export const PRESETS: Readonly<Record<string, ConfigInput>> = {
  paper: {},
  small: {
    width: 0.25,
    train: { lr: 1e-3, augment: {}, warmup: 100, schedule: 'cosine' },
  },
  baseline: { llsm: false, flm: false },
  '+llsm': { flm: false },
  '+flm': { llsm: false },
};

/** The config of a preset, complete. */
export const presetConfig = (name: keyof typeof PRESETS): Config =>
  parseConfig(PRESETS[name], `preset ${name}`);

/**
 * Checks a config and fills in every default. Where there is no FLM, `head.source` comes back as
 * `encoder` and `maskPrior` as false, whatever was written.
 *
 * @param where the file or preset, for messages
 * @throws LlsmError listing each wrong value and each unknown key by its path
 */
export function parseConfig(value: unknown, where: string): Config {
  const parsed = configSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.flatMap((issue) => explain(issue, value));
    throw new LlsmError(`${where}: ${problems.join('; ')}`);
  }
  const config = parsed.data;
  if (config.train.precision === 'f16' && config.train.accumulate > 1) {
    throw new LlsmError(`${where}: train.precision f16 goes with train.accumulate 1 only`);
  }
  if (config.train.forge && config.train.batch % 2 !== 0) {
    throw new LlsmError(
      `${where}: train.batch (${config.train.batch}) must be even with train.forge: faces and their forgeries`,
    );
  }
  if (config.train.forge && config.train.forge.crop < config.size) {
    throw new LlsmError(
      `${where}: train.forge.crop (${config.train.forge.crop}) must be at least size (${config.size})`,
    );
  }
  if (config.train.batch % config.train.accumulate !== 0) {
    throw new LlsmError(
      `${where}: train.batch (${config.train.batch}) must be a multiple of train.accumulate ` +
        `(${config.train.accumulate})`,
    );
  }
  return config.flm ? config : { ...config, head: { source: 'encoder' }, maskPrior: false };
}

/** The paths of the keys in which two configs differ, such as `train.lr`. */
export function differingKeys(a: Config, b: Config): string[] {
  const [left, right] = [leaves(a), leaves(b)];
  return [...new Set([...left.keys(), ...right.keys()])].filter(
    (key) => left.get(key) !== right.get(key),
  );
}

/** Every leaf of a JSON value by its path, as JSON text. */
function leaves(value: unknown, path = '', found = new Map<string, string>()) {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value)) {
      leaves(inner, path ? `${path}.${key}` : key, found);
    }
  } else if (value !== undefined) {
    found.set(path, JSON.stringify(value));
  }
  return found;
}

type Issue = z.core.$ZodIssue;

function explain(issue: Issue, root: unknown, base: PropertyKey[] = []): string[] {
  const path = [...base, ...issue.path];
  const at = path.length > 0 ? `${path.join('.')}: ` : '';
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey([...path.map(String), key]));
  }
  if (issue.code === 'invalid_union') {
    // The branch that failed inside of the value, rather than at its outside, is the one meant.
    const meant = issue.errors.find((errors) =>
      errors.every((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
    );
    if (meant) return meant.flatMap((inner) => explain(inner, root, path));
    const wanted = issue.errors.flat().map(wish);
    return [`${at}${[...new Set(wanted)].join(', or ')} (it is ${shown(root, path)})`];
  }
  return [`${at}${wish(issue)} (it is ${shown(root, path)})`];
}

/** What was expected, in zod's words, without what was received: that is shown as it was written. */
const wish = ({ message }: Issue): string =>
  message.replace(/^(Invalid \w+|Too (small|big)): /, '').replace(/, received [\w ]+$/, '');

function shown(root: unknown, path: PropertyKey[]): string {
  // biome-ignore lint/suspicious/noExplicitAny: the path was walked by the schema already
  const value = path.reduce((inner: any, key) => inner?.[key], root);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}

/** Names the key's path and the known key meant: a neighbour, or one of that name elsewhere. */
function unknownKey(path: string[]): string {
  const name = path[path.length - 1];
  const all = knownPaths(configSchema);
  const parent = path.slice(0, -1).join('.');
  const beside = all.filter((known) => known.slice(0, -1).join('.') === parent);
  const elsewhere = all.find((known) => known[known.length - 1] === name);
  const neighbour = nearest(
    name,
    beside.map((known) => known[known.length - 1]),
  );
  const meant = neighbour ? [...path.slice(0, -1), neighbour] : elsewhere;
  const hint = meant
    ? `did you mean ${meant.join('.')}?`
    : `known here: ${beside.map((known) => known[known.length - 1]).join(', ')}`;
  return `unknown key ${path.join('.')}; ${hint}`;
}

/** The paths of all keys that a schema knows. */
function knownPaths(schema: z.core.$ZodType, path: string[] = []): string[][] {
  if (schema instanceof z.ZodObject) {
    return Object.entries(schema.shape).flatMap(([key, inner]) => [
      [...path, key],
      ...knownPaths(inner, [...path, key]),
    ]);
  }
  if (schema instanceof z.ZodUnion) {
    return schema.options.flatMap((option) => knownPaths(option, path));
  }
  if (
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodOptional
  ) {
    return knownPaths(schema.unwrap(), path);
  }
  if (schema instanceof z.ZodPipe) {
    return [...knownPaths(schema.in, path), ...knownPaths(schema.out, path)];
  }
  return [];
}
