/**
 * A network's weights with what is needed to use them. As a file: safetensors, with the config,
 * the writing program's version and the threshold in `__metadata__`.
 */
import * as z from 'zod';
import { LlsmError, messageOf } from '../../base/errors.ts';
import { problemsOf } from '../../base/problems.ts';
import { version } from '../../base/version.ts';
import { type Config, differingKeys, parseConfig } from '../../config/config.ts';
import {
  type HostTensor,
  parseSafetensors,
  type SafetensorsFile,
  serialiseSafetensors,
} from '../safetensors.ts';
import { listParams, type NetworkParam } from './params.ts';

export type { HostTensor } from '../safetensors.ts';

const thresholdSchema = z.strictObject({
  /** Probability, 0 to 1: faces at or above it are called forged. */
  value: z.number().min(0).max(1),
  /** Rule that chose the threshold, such as `eer` or `fpr=0.01`. */
  rule: z.string(),
  /** Fraction of the real faces called forged, on the data that the threshold was chosen on. */
  fpr: z.number().min(0).max(1),
  /** Name of the data that the threshold was chosen on. */
  data: z.string(),
  /** Number of faces in the data that the threshold was chosen on. */
  n: z.int().min(1),
  /** Probability from which a mask's pixel is called altered; absent where there were no masks to choose on. */
  mask: z.number().min(0).max(1).optional(),
  /** Where verdicts are unreliable, and how often they err elsewhere; absent where it was not measured. */
  unsure: z
    .strictObject({
      /** Band of mean probabilities over a face's views, [from, to), in which verdicts flip or err. */
      from: z.number().min(0).max(1),
      to: z.number().min(0).max(1),
      /** Fraction of the real faces, and of the forged ones, whose verdict is `unsure`. */
      real: z.number().min(0).max(1),
      forged: z.number().min(0).max(1),
      /** Fraction of the real faces called `altered` nevertheless. */
      accused: z.number().min(0).max(1),
      /** Fraction of the forged faces in which `nothing found` nevertheless. */
      missed: z.number().min(0).max(1),
    })
    .optional(),
});

export type Threshold = z.output<typeof thresholdSchema>;

export interface Checkpoint {
  config: Config;
  /** Tensors of `listParams(config)`, all of them and in its order. */
  tensors: Map<string, HostTensor>;
  /** Version of the llsm that wrote the file. */
  version: string;
  /** Threshold of the verdict; absent where the network is uncalibrated. */
  threshold?: Threshold;
}

/**
 * The checkpoint in a safetensors file, checked against its config's network.
 *
 * @param where the file's name, for messages
 * @param given the config of a file that carries none
 * @throws LlsmError where a tensor is missing, unexpected, wrongly shaped or not finite (all are
 *   listed), where there is no config, or where `given` contradicts the file's own
 */
export function checkpointFromSafetensors(
  { tensors, metadata }: SafetensorsFile,
  where: string,
  given?: Config,
): Checkpoint {
  const head = checkpointHead(metadata, where, given);
  const { fitting, unfit } = fitInto({ tensors }, listParams(head.config));
  refuseUnfit(unfit, where);
  return { ...head, tensors: fitting };
}

/**
 * What a checkpoint's file says besides its tensors.
 * @throws LlsmError as `checkpointFromSafetensors`
 */
export function checkpointHead(
  metadata: Record<string, string>,
  where: string,
  given?: Config,
): Omit<Checkpoint, 'tensors'> {
  const config = configOf(metadata, where, given);
  const head = { config, version: metadata['llsm.version'] ?? 'unknown' };
  const text = metadata['llsm.threshold'];
  if (text === undefined) return head;
  const parsed = thresholdSchema.safeParse(json(text, `${where}: llsm.threshold`));
  if (!parsed.success) {
    throw new LlsmError(`${where}: llsm.threshold ${problemsOf(parsed.error)}`);
  }
  return { ...head, threshold: parsed.data };
}

/** @throws LlsmError where anything is unfit, listing it */
export function refuseUnfit(unfit: readonly Unfit[], where: string): void {
  if (unfit.length === 0) return;
  const training = unfit.some(({ name }) => name.startsWith('adam.'));
  throw new LlsmError(
    `${where} does not hold the network of its config:\n${listUnfit(unfit)}` +
      (training ? '\n(a training state: use the weights.safetensors beside it)' : ''),
  );
}

/**
 * Reads the bytes of a checkpoint file.
 * @param where names the file in errors
 * @param given the config of a file that carries none
 * @throws LlsmError naming the file, and the tensor or field
 */
export const parseCheckpoint = (file: Uint8Array, where: string, given?: Config): Checkpoint =>
  checkpointFromSafetensors(parseSafetensors(file, where), where, given);

/**
 * The config that a checkpoint's file carries; undefined where it carries none.
 * @throws LlsmError naming the file where it is no valid config
 */
export function carriedConfig(metadata: Record<string, string>, where: string): Config | undefined {
  const text = metadata['llsm.config'];
  if (text === undefined) return undefined;
  const origin = `${where} (llsm.config, written by llsm ${metadata['llsm.version'] ?? 'unknown'})`;
  return parseConfig(json(text, origin), origin);
}

function configOf(metadata: Record<string, string>, where: string, given?: Config): Config {
  const config = carriedConfig(metadata, where);
  if (config === undefined) {
    if (given) return given;
    throw new LlsmError(`${where} has no llsm.config in its metadata: name its config (--config)`);
  }
  const differing = given ? differingKeys(config, given) : [];
  if (differing.length > 0) {
    throw new LlsmError(
      `${where} carries a config of its own, and the one given differs from it in ` +
        `${differing.join(', ')}: leave the given one out`,
    );
  }
  return config;
}

function json(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new LlsmError(`${where}: not JSON (${messageOf(error)})`);
  }
}

/** The metadata of a checkpoint's file. */
export function checkpointMetadata(checkpoint: Checkpoint): Record<string, string> {
  const metadata: Record<string, string> = {
    'llsm.config': JSON.stringify(checkpoint.config),
    'llsm.version': version,
  };
  if (checkpoint.threshold) metadata['llsm.threshold'] = JSON.stringify(checkpoint.threshold);
  return metadata;
}

/**
 * The parts of a checkpoint's file, in order.
 *
 * @param f16 halves the weights; batch norm stays F32, its statistics need the range
 * @throws LlsmError where the tensors are not finite or not those of the config
 */
export function checkpointToSafetensors(
  checkpoint: Checkpoint,
  { f16 = false }: { f16?: boolean } = {},
): Uint8Array[] {
  const specs = listParams(checkpoint.config);
  const { fitting, unfit } = fitInto(checkpoint, specs);
  if (unfit.length > 0) {
    throw new LlsmError(`The weights are not fit to be written:\n${listUnfit(unfit)}`);
  }
  const halved = new Set(specs.filter((spec) => f16 && !spec.bn).map((spec) => spec.name));
  return serialiseSafetensors(fitting, checkpointMetadata(checkpoint), (name) => halved.has(name));
}

/** Tensor that is missing or cannot be used, and why. */
export interface Unfit {
  name: string;
  reason: string;
}

/**
 * What of a file can be loaded into a network: the tensors of the right name and shape, in the
 * order of `specs`, and the rest with reasons (missing here, unknown there, another shape, values
 * that are not finite, a negative variance).
 */
export function fitInto(
  { tensors }: Pick<Checkpoint, 'tensors'>,
  specs: readonly NetworkParam[],
): { fitting: Map<string, HostTensor>; unfit: Unfit[] } {
  const fitting = new Map<string, HostTensor>();
  const unfit = unfitShapes(new Map([...tensors].map(([name, { shape }]) => [name, shape])), specs);
  const misshapen = new Set(unfit.map(({ name }) => name));
  for (const { name } of specs) {
    if (misshapen.has(name)) continue;
    const tensor = tensors.get(name) as HostTensor;
    const reason = unfitValues(name, tensor.data);
    if (reason) unfit.push({ name, reason });
    else fitting.set(name, tensor);
  }
  return { fitting, unfit };
}

/** What of these tensors, by name and shape, is missing in a network, unknown there, or of another shape. */
export function unfitShapes(
  shapes: ReadonlyMap<string, readonly number[]>,
  specs: readonly NetworkParam[],
): Unfit[] {
  const unfit: Unfit[] = [];
  for (const { name, shape: wanted } of specs) {
    const shape = shapes.get(name);
    if (!shape) unfit.push({ name, reason: 'missing' });
    else if (shape.length !== wanted.length || shape.some((d, k) => d !== wanted[k])) {
      unfit.push({ name, reason: `is [${shape}], this network needs [${wanted}]` });
    }
  }
  const known = new Set(specs.map((spec) => spec.name));
  for (const name of shapes.keys()) {
    if (!known.has(name)) unfit.push({ name, reason: 'not in this network' });
  }
  return unfit;
}

/** Why a tensor's values cannot be a network's; undefined where they can. */
export function unfitValues(name: string, data: Float32Array): string | undefined {
  // A loop, because a callback takes ten times as long for the 24 million values of full width.
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) return `holds ${data[i]} at ${i}`;
  }
  if (name.endsWith('.running_var') && data.some((value) => value < 0)) {
    return 'is a variance and holds a negative value';
  }
  return undefined;
}

/** Text with one line for each unfit tensor, and the number of those beyond the twentieth. */
export function listUnfit(unfit: readonly Unfit[]): string {
  const lines = unfit.slice(0, 20).map(({ name, reason }) => `  ${name}: ${reason}`);
  if (unfit.length > 20) lines.push(`  and ${unfit.length - 20} more`);
  return lines.join('\n');
}
