/** Files of weights for the tests of `llsm import`: made by test/torch/make_imports.py, and by hand. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { zipSync } from 'fflate';
import * as assert from 'uvu/assert';
import { LlsmError } from '../../../../src/base/errors.ts';
import { type HostTensor, parseSafetensors } from '../../../../src/model/safetensors.ts';

const FOLDER = join('test', 'golden', 'import');

/** A file of test/golden/import, unpacked where it is packed. */
export function golden(name: string): Uint8Array {
  const packed = !/^types|\.(taps|json)|^input/.test(name);
  const file = readFileSync(join(FOLDER, packed ? `${name}.gz` : name));
  // A copy, because `slice` of a Buffer is none.
  return new Uint8Array(packed ? gunzipSync(file) : file);
}

export const goldenTensors = (name: string): Map<string, HostTensor> =>
  parseSafetensors(golden(name), name).tensors;

export type Part = number | string | Uint8Array | readonly Part[];

/** Bytes, text as latin 1, and lists of those, one after the other. */
export function bytes(...parts: Part[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map(whole)));
}

function whole(part: Part): Uint8Array {
  if (typeof part === 'number') return Uint8Array.of(part);
  if (typeof part === 'string') return Buffer.from(part, 'latin1');
  return part instanceof Uint8Array ? part : bytes(...part);
}

export function u64(value: number | bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt(value), true);
  return out;
}

const u32 = (value: number): Uint8Array => u64(value).slice(0, 4);

export const PROTO = [0x80, 2];
export const text = (value: string): Part => ['X', u32(Buffer.byteLength(value)), value];
/** As BININT, or as LONG1 beyond its range. */
export const int = (value: number): Part =>
  Math.abs(value) < 2 ** 31 ? ['J', u32(value >>> 0)] : [0x8a, 9, u64(value), 0];
export const tuple = (...items: Part[]): Part => ['(', items, 't'];
export const named = (module: string, name: string): Part => `c${module}\n${name}\n`;
export const call = (callee: Part, ...args: Part[]): Part => [callee, tuple(...args), 'R'];
export const dict = (...items: [string, Part][]): Part => [
  '}(',
  items.map(([key, value]) => [text(key), value]),
  'u',
];

export const storage = (key: string, length: number, type = 'FloatStorage'): Part => [
  tuple(text('storage'), named('torch', type), text(key), text('cpu'), int(length)),
  'Q',
];

export const tensor = (store: Part, offset: number, shape: number[], strides: number[]): Part =>
  call(
    named('torch._utils', '_rebuild_tensor_v2'),
    store,
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    0x89,
    call(named('collections', 'OrderedDict')),
  );

export const floats = (...values: number[]): Uint8Array =>
  new Uint8Array(Float32Array.from(values).buffer);

/** A pickle's bytes from its parts. */
export const pickle = (...parts: Part[]): Uint8Array => bytes(PROTO, parts, '.');

/** A file as torch.save writes it, from a pickle and its storages. */
export function zipFile(
  data: Uint8Array,
  storages: Record<string, Uint8Array> = {},
  more: Record<string, Uint8Array> = {},
): Uint8Array {
  const entries: Record<string, Uint8Array> = { 'w/data.pkl': data, ...more };
  for (const [key, values] of Object.entries(storages)) entries[`w/data/${key}`] = values;
  return zipSync(entries, { level: 0, mtime: '2020-01-01' });
}

/** A file as torch.save wrote it before PyTorch 1.6. */
export function legacyFile(
  data: Uint8Array,
  storages: [key: string, length: number, values: Uint8Array][],
): Uint8Array {
  const magic = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
  return bytes(
    pickle(0x8a, 10, magic),
    pickle(int(1001)),
    pickle(dict(['little_endian', 0x88])),
    data,
    pickle('](', ...storages.map(([key]) => text(key)), 'e'),
    ...storages.map(([, length, values]) => [u64(length), values]),
  );
}

/** Fails unless `work` is refused with an LlsmError of that text. */
export function refuses(work: () => unknown, pattern: RegExp): void {
  let thrown: unknown;
  try {
    work();
  } catch (error) {
    thrown = error;
  }
  assert.instance(
    thrown,
    LlsmError,
    `${pattern}: ${thrown instanceof Error ? thrown.stack : 'accepted'}`,
  );
  assert.match((thrown as LlsmError).message, pattern);
}
