/**
 * The safetensors format (huggingface/safetensors, README "Format"): 8 bytes of header length,
 * a JSON header, then the tensors' bytes without a gap. Everything is little-endian, as is every
 * machine with WebGPU.
 */
import { LlsmError, messageOf } from '../base/errors.ts';
import { bfloatToFloat, floatToHalf, halvesToFloats } from '../base/float16.ts';

/** A tensor in main memory: row-major, `data.length` is the product of `shape` (1 for a scalar). */
export interface HostTensor {
  shape: number[];
  data: Float32Array;
}

export interface SafetensorsFile {
  /** Tensors by name, in the order of their bytes in the file. */
  tensors: Map<string, HostTensor>;
  metadata: Record<string, string>;
}

/** Tensor as the header tells it, with its bytes' place in the data. */
export interface Entry {
  name: string;
  dtype: string;
  shape: number[];
  begin: number;
  end: number;
}

/** What a file's header says. */
export interface Head {
  /** Tensors in the order of their bytes, without those that nothing here uses. */
  entries: Entry[];
  metadata: Record<string, string>;
  /** Place in the file where the tensors' data begins. */
  dataAt: number;
}

const BYTES: Record<string, number> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I16: 2,
  U16: 2,
  F16: 2,
  BF16: 2,
  I32: 4,
  U32: 4,
  F32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
};
/** The reference implementation's own limit. */
const LONGEST_HEADER = 100_000_000;

/** PyTorch's count of batches seen: an I64 scalar that nothing here uses. */
export const isBatchCount = (name: string): boolean => /(^|\.)num_batches_tracked$/.test(name);

/**
 * Reads a safetensors file with F32, F16 and BF16 tensors; `num_batches_tracked` is left out. An
 * aligned F32 tensor is a view of `file`, not a copy.
 *
 * @param where the file's name, for messages
 * @throws LlsmError naming the file, and the tensor, where anything contradicts the format
 */
export function parseSafetensors(file: Uint8Array, where: string): SafetensorsFile {
  const { entries, metadata, dataAt } = parseHead(
    file.subarray(0, headBytes(file, file.length, where)),
    file.length,
    where,
  );
  const tensors = new Map<string, HostTensor>();
  for (const entry of entries) {
    tensors.set(
      entry.name,
      valuesOf(entry, file.subarray(dataAt + entry.begin, dataAt + entry.end)),
    );
  }
  return { tensors, metadata };
}

type Fail = (problem: string) => never;

const failing =
  (where: string): Fail =>
  (problem) => {
    throw new LlsmError(`${where}: ${problem}`);
  };

/**
 * How many bytes from the file's start its header ends.
 * @param start the first 8 bytes at least, as far as there are so many
 * @param size of the whole file
 * @throws LlsmError naming the file where it is none of safetensors
 */
export function headBytes(start: Uint8Array, size: number, where: string): number {
  const fail = failing(where);
  if (size < 8) fail(`not a safetensors file: ${size} bytes, at least 8 are needed`);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > size - 8 || length > LONGEST_HEADER) {
    fail(
      `not a safetensors file, or cut short: it announces a header of ${length} bytes and ` +
        `has ${size - 8} after the length`,
    );
  }
  return 8 + length;
}

/**
 * Reads and checks a file's header.
 * @param head the file up to the header's end
 * @param size of the whole file
 * @throws LlsmError naming the file, and the tensor, where anything contradicts the format
 */
export function parseHead(head: Uint8Array, size: number, where: string): Head {
  const fail = failing(where);
  const { entries, metadata } = parseHeader(head.subarray(8), fail);
  checkLayout(entries, size - head.length, fail);
  const used = entries.filter(({ name }) => !isBatchCount(name));
  for (const { name, dtype } of used) {
    if (!isFloat(dtype)) {
      fail(`tensor ${name} is ${dtype}; only F32, F16 and BF16 can be read: convert it first`);
    }
  }
  return { entries: used, metadata, dataAt: head.length };
}

const isFloat = (dtype: string): dtype is 'F32' | 'F16' | 'BF16' =>
  ['F32', 'F16', 'BF16'].includes(dtype);

/** The tensor of an entry of a checked header, from its bytes. */
export function valuesOf({ shape, dtype }: Entry, bytes: Uint8Array): HostTensor {
  return { shape, data: toFloat32(bytes, dtype as 'F32' | 'F16' | 'BF16') };
}

function parseHeader(bytes: Uint8Array, fail: Fail) {
  let header: unknown;
  let text = '';
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (error) {
    fail(`not a safetensors file: its header is no JSON (${messageOf(error)})`);
  }
  if (!isObject(header)) return fail('not a safetensors file: its header is no JSON object');
  const twice = repeatedKey(text);
  if (twice !== undefined) fail(`the header holds ${twice} twice`);
  const entries: Entry[] = [];
  let metadata: Record<string, string> = {};
  for (const [name, value] of Object.entries(header)) {
    if (name !== '__metadata__') {
      entries.push(parseEntry(name, value, fail));
      continue;
    }
    if (!isObject(value) || Object.values(value).some((inner) => typeof inner !== 'string')) {
      return fail('__metadata__ must hold text only');
    }
    metadata = value as Record<string, string>;
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  return { entries, metadata };
}

function parseEntry(name: string, value: unknown, fail: Fail): Entry {
  if (!isObject(value)) return fail(`tensor ${name}: its header entry is no object`);
  const { dtype, shape, data_offsets: offsets } = value;
  const isSize = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
  if (typeof dtype !== 'string' || !Object.hasOwn(BYTES, dtype)) {
    return fail(`tensor ${name}: unknown dtype ${JSON.stringify(dtype)}`);
  }
  if (!Array.isArray(shape) || !shape.every(isSize)) {
    return fail(`tensor ${name}: shape ${JSON.stringify(shape)} is no list of sizes`);
  }
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize)) {
    return fail(`tensor ${name}: data_offsets ${JSON.stringify(offsets)} is no [begin, end]`);
  }
  const [begin, end] = offsets;
  const bytes = shape.reduce((n, d) => n * d, BYTES[dtype]);
  if (end - begin !== bytes) {
    fail(
      `tensor ${name}: ${dtype} [${shape}] takes ${bytes} bytes, but data_offsets ` +
        `[${begin}, ${end}] hold ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** The tensors, in the order of their bytes, must cover the data exactly. */
function checkLayout(entries: Entry[], available: number, fail: Fail) {
  let covered = 0;
  let last = 'the header';
  for (const { name, begin, end } of entries) {
    if (end > available) {
      fail(`cut short: tensor ${name} ends at byte ${end} of the data, which has ${available}`);
    }
    if (begin < covered) fail(`tensor ${name} overlaps tensor ${last}`);
    if (begin > covered) fail(`${begin - covered} unused bytes between ${last} and tensor ${name}`);
    covered = end;
    last = name;
  }
  if (covered !== available) fail(`${available - covered} bytes too many after ${last}`);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The first key that stands twice in one object of a valid JSON text: JSON.parse keeps the last. */
function repeatedKey(json: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    if (json[i] === '{') open.push(new Set());
    else if (json[i] === '}') open.pop();
    else if (json[i] === '"') {
      const start = i++;
      while (json[i] !== '"') i += json[i] === '\\' ? 2 : 1;
      let after = i + 1;
      while (' \t\n\r'.includes(json[after] ?? '-')) after++;
      if (json[after] !== ':') continue;
      const key: string = JSON.parse(json.slice(start, i + 1));
      const keys = open[open.length - 1];
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}

/** The values of packed little-endian floats; aligned F32 is a view of `bytes`, not a copy. */
export function toFloat32(bytes: Uint8Array, dtype: 'F32' | 'F16' | 'BF16' | 'F64'): Float32Array {
  // Not `slice`, which makes no copy of a Buffer.
  const aligned = bytes.byteOffset % BYTES[dtype] === 0 ? bytes : new Uint8Array(bytes);
  if (dtype === 'F64') {
    const { buffer, byteOffset, length } = aligned;
    return Float32Array.from(new Float64Array(buffer, byteOffset, length / 8));
  }
  if (dtype === 'F32') {
    return new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / 4);
  }
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.length / 2);
  return dtype === 'F16' ? halvesToFloats(halves) : Float32Array.from(halves, bfloatToFloat);
}

/**
 * The parts of a safetensors file, to be written one after the other; F32 parts are views of the
 * tensors' memory. F32 tensors come first, each in the order given, so that all are aligned.
 *
 * @param asHalf which tensors to write as F16
 * @throws LlsmError where a finite value is too large for F16
 */
export function serialiseSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Record<string, string> = {},
  asHalf: (name: string) => boolean = () => false,
): Uint8Array[] {
  const names = [...tensors.keys()];
  const ordered = [...names.filter((name) => !asHalf(name)), ...names.filter(asHalf)];
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  const parts: Uint8Array[] = [];
  let begin = 0;
  for (const name of ordered) {
    const { shape, data } = tensors.get(name) as HostTensor;
    const half = asHalf(name);
    const part = half ? toHalf(name, data) : data;
    const end = begin + part.byteLength;
    header[name] = { dtype: half ? 'F16' : 'F32', shape, data_offsets: [begin, end] };
    parts.push(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    begin = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, 8);
  return [head, ...parts];
}

function toHalf(name: string, data: Float32Array): Uint16Array {
  return Uint16Array.from(data, (value) => {
    const half = floatToHalf(value);
    if ((half & 0x7fff) === 0x7c00 && Number.isFinite(value)) {
      throw new LlsmError(`tensor ${name} holds ${value}, too large for F16: write F32 instead`);
    }
    return half;
  });
}

/**
 * The file with these entries in `__metadata__`, beside and in place of those it has; the tensors'
 * bytes stay as they are, whatever their types.
 *
 * @param file a whole safetensors file, as `parseSafetensors` accepts it
 * @returns its parts, to be written one after the other
 */
export function withMetadata(file: Uint8Array, entries: Record<string, string>): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, end)));
  const metadata = { ...header.__metadata__, ...entries };
  const json = new TextEncoder().encode(JSON.stringify({ ...header, __metadata__: metadata }));
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, 8);
  return [head, file.subarray(end)];
}
