/**
 * The face finder's weights as one file: safetensors, with what it holds in `__metadata__`
 * (`llsm.finder`, and the licence of the weights).
 */
import * as z from 'zod';
import { LlsmError } from '../../base/errors.ts';
import { problemsOf } from '../../base/problems.ts';
import { type HostTensor, parseSafetensors, serialiseSafetensors } from '../safetensors.ts';
import type { DetectorNetwork } from './network.ts';
import { ssd } from './ssd.ts';
import { tiny } from './tiny.ts';
import { yunet } from './yunet.ts';

/** The networks that say where faces are, by the prefix of their tensors. */
export const detectors = { tiny, ssd, yunet } satisfies Record<string, DetectorNetwork>;

const schema = z.strictObject({
  detector: z.enum(Object.keys(detectors) as [keyof typeof detectors]),
  /** The 68-landmark network, where the detector itself tells no points. */
  landmarks: z.enum(['tiny', 'full']).nullable(),
});

export interface FinderCheckpoint extends z.output<typeof schema> {
  tensors: Map<string, HostTensor>;
  /** Under what terms the weights may be used. */
  licence: string;
}

const key = 'llsm.finder';

/** @throws LlsmError where the file is damaged, or is no face finder */
export function parseFinder(file: Uint8Array, where: string): FinderCheckpoint {
  const { tensors, metadata } = parseSafetensors(file, where);
  if (metadata[key] === undefined) {
    throw new LlsmError(
      `${where} is no face finder: it has no ${key} in its metadata. ` +
        'A finder comes with llsm, or is made by `llsm import FILE.onnx --from yunet`.',
    );
  }
  const parsed = schema.safeParse(jsonOf(metadata[key]));
  if (!parsed.success) throw new LlsmError(`${where}: ${key} ${problemsOf(parsed.error)}`);
  for (const [name, { data }] of tensors) {
    if (!data.every(Number.isFinite)) {
      throw new LlsmError(`${where}: tensor ${name} holds values that are not finite`);
    }
  }
  return { ...parsed.data, tensors, licence: metadata.licence ?? '' };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The parts of the finder's file, to be written one after the other; weights, not biases, in 16 bits. */
export function serialiseFinder({
  detector,
  landmarks,
  tensors,
  licence,
}: FinderCheckpoint): Uint8Array[] {
  const metadata = { [key]: JSON.stringify({ detector, landmarks }), licence };
  return serialiseSafetensors(tensors, metadata, (name) => name.endsWith('.weight'));
}
