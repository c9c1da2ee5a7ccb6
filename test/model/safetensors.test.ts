import * as assert from 'uvu/assert';
import { LlsmError } from '../../src/base/errors.ts';
import { bfloatToFloat, floatToHalf, halfToFloat, halvesToFloats } from '../../src/base/float16.ts';
import { Random } from '../../src/base/random.ts';
import {
  type HostTensor,
  parseSafetensors,
  serialiseSafetensors,
} from '../../src/model/safetensors.ts';
import { test } from '../support/run.ts';

/** A file of any header text (or object) and any data. */
function file(header: unknown, data = new Uint8Array(0), length?: number): Uint8Array {
  const json = new TextEncoder().encode(
    typeof header === 'string' ? header : JSON.stringify(header),
  );
  const bytes = new Uint8Array(8 + json.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? json.length), true);
  bytes.set(json, 8);
  bytes.set(data, 8 + json.length);
  return bytes;
}

function join(parts: Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

function refuses(bytes: Uint8Array, pattern: RegExp) {
  try {
    parseSafetensors(bytes, 'w.safetensors');
  } catch (error) {
    assert.instance(error, LlsmError, String(error));
    assert.match((error as LlsmError).message, /^w\.safetensors: /);
    assert.match((error as LlsmError).message, pattern);
    return;
  }
  assert.unreachable(`accepted: ${pattern}`);
}

test('F32 comes back bit for bit, with shapes, order and metadata', () => {
  const tensors = new Map<string, HostTensor>([
    ['b', { shape: [2, 3], data: Float32Array.of(1, -0, 1e-45, Number.NaN, 3.4e38, 0.1) }],
    ['a', { shape: [], data: Float32Array.of(7) }],
    ['empty', { shape: [0, 4], data: new Float32Array(0) }],
    ['é "quoted"', { shape: [1], data: Float32Array.of(2) }],
  ]);
  const bytes = join(serialiseSafetensors(tensors, { note: 'über' }));
  const read = parseSafetensors(bytes, 'test');
  assert.equal([...read.tensors.keys()], [...tensors.keys()]);
  for (const [name, { shape, data }] of tensors) {
    assert.equal(read.tensors.get(name)?.shape, shape);
    const got = read.tensors.get(name)?.data as Float32Array;
    assert.equal(
      new Uint8Array(got.buffer, got.byteOffset, got.byteLength),
      new Uint8Array(data.buffer),
    );
  }
  assert.equal(read.metadata, { note: 'über' });
  const a = read.tensors.get('a')?.data as Float32Array;
  assert.is(a.buffer, bytes.buffer, 'an aligned tensor is a view');
});

test('a file at an odd address in memory is read as well', () => {
  const bytes = file({ a: entry(0, 8) }, new Uint8Array(Float32Array.of(1.5, -2).buffer));
  for (const shift of [0, 1, 2, 3]) {
    const moved = new Uint8Array(bytes.length + shift);
    moved.set(bytes, shift);
    // A Buffer, as files are read into, has a `slice` that does not copy.
    for (const array of [moved, Buffer.from(moved.buffer)]) {
      const { tensors } = parseSafetensors(array.subarray(shift), 'test');
      assert.equal([...(tensors.get('a')?.data ?? [])], [1.5, -2]);
    }
  }
});

test('F16 is written after F32, and read with BF16', () => {
  const tensors = new Map<string, HostTensor>([
    ['half', { shape: [3], data: Float32Array.of(1 / 3, -65504, 2 ** -24) }],
    ['full', { shape: [1], data: Float32Array.of(1 / 3) }],
  ]);
  const bytes = join(serialiseSafetensors(tensors, {}, (name) => name === 'half'));
  const read = parseSafetensors(bytes, 'test').tensors;
  assert.equal([...read.keys()], ['full', 'half']);
  assert.equal([...(read.get('half')?.data ?? [])], [0.333251953125, -65504, 2 ** -24]);
  assert.is(read.get('full')?.data[0], Math.fround(1 / 3));
  const big = new Map([['big', { shape: [1], data: Float32Array.of(65520) }]]);
  assert.throws(() => serialiseSafetensors(big, {}, () => true), /tensor big holds 65520/);
  const bf16 = file({ a: entry(0, 4, [2], 'BF16') }, Uint8Array.of(0x80, 0x3f, 0x40, 0xc0));
  assert.equal([...(parseSafetensors(bf16, 'test').tensors.get('a')?.data ?? [])], [1, -3]);
});

test('many F16 values at once are those of one after the other', () => {
  const all = Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits);
  assert.equal([...halvesToFloats(all)], [...all].map(halfToFloat));
});

test('every F16 value survives, and rounding is to nearest, ties to even', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = halfToFloat(bits);
    if (Number.isNaN(value)) assert.is(floatToHalf(value) & 0x7e00, 0x7e00);
    else if (floatToHalf(value) !== bits)
      assert.unreachable(`${bits} became ${floatToHalf(value)}`);
  }
  // Between two neighbours, just below, at and just above the middle.
  for (const bits of [0, 1, 2, 0x3ff, 0x400, 0x401, 0x3c00, 0x3c01, 0x7bfe]) {
    const [low, high] = [halfToFloat(bits), halfToFloat(bits + 1)];
    const middle = (low + high) / 2;
    assert.is(floatToHalf(middle), bits + (bits & 1));
    assert.is(floatToHalf(middle - (high - low) / 64), bits);
    assert.is(floatToHalf(middle + (high - low) / 64), bits + 1);
  }
  assert.is(floatToHalf(65519.996), 0x7bff);
  assert.is(floatToHalf(65520), 0x7c00);
  assert.is(floatToHalf(-1e-8), 0x8000);
  assert.is(floatToHalf(2 ** -25), 0);
  assert.is(bfloatToFloat(0xff80), Number.NEGATIVE_INFINITY);
});

test('num_batches_tracked is left out, other integers are refused', () => {
  const bytes = file(
    { 'bn1.num_batches_tracked': entry(0, 8, [], 'I64'), a: entry(8, 12) },
    new Uint8Array(12),
  );
  assert.equal([...parseSafetensors(bytes, 'test').tensors.keys()], ['a']);
  refuses(file({ a: entry(0, 8, [1], 'I64') }, new Uint8Array(8)), /tensor a is I64/);
});

test('a file cut at any byte is refused', () => {
  const tensors = new Map([
    ['a', { shape: [2], data: Float32Array.of(1, 2) }],
    ['b', { shape: [1], data: Float32Array.of(3) }],
  ]);
  const bytes = join(serialiseSafetensors(tensors, { k: 'v' }));
  for (let n = 0; n < bytes.length; n++) refuses(bytes.subarray(0, n), /./);
  refuses(bytes.subarray(0, bytes.length - 1), /cut short: tensor b ends at byte 12/);
  refuses(bytes.subarray(0, 5), /5 bytes/);
  refuses(join([bytes, new Uint8Array(3)]), /3 bytes too many after b/);
});

test('a damaged file is read or refused, and never breaks the reader', () => {
  const tensors = new Map([
    ['a', { shape: [2, 1], data: Float32Array.of(1, 2) }],
    ['b', { shape: [1], data: Float32Array.of(3) }],
  ]);
  const bytes = join(serialiseSafetensors(tensors, { k: '"\\' }, (name) => name === 'b'));
  const random = new Random(1, 'damage');
  let refused = 0;
  for (let n = 0; n < 3000; n++) {
    const damaged = bytes.slice();
    for (let k = random.int(3); k >= 0; k--) {
      damaged[random.int(bytes.length - 10)] = random.chance(0.5)
        ? random.int(256)
        : bytes[random.int(bytes.length)];
    }
    try {
      for (const { shape, data } of parseSafetensors(damaged, 'test').tensors.values()) {
        assert.is(
          data.length,
          shape.reduce((product, d) => product * d, 1),
        );
      }
    } catch (error) {
      assert.instance(error, LlsmError, String(error));
      refused++;
    }
  }
  assert.ok(refused > 1000 && refused < 3000, `${refused} refused`);
});

test('a broken header is refused', () => {
  refuses(file('{}', new Uint8Array(0), 3), /header of 3 bytes/);
  const huge = file('{}');
  huge.fill(0xff, 0, 8);
  refuses(huge, /announces a header of/);
  refuses(file(''), /its header is no JSON/);
  refuses(file('{"a":'), /its header is no JSON/);
  refuses(file('[1]'), /no JSON object/);
  refuses(file('null'), /no JSON object/);
  const invalid = file('{"\u00e9":1}');
  invalid[10] = 0xff;
  refuses(invalid, /its header is no JSON/);
  refuses(file({ __metadata__: { a: 1 } }), /__metadata__ must hold text only/);
  refuses(file({ __metadata__: 'a' }), /__metadata__ must hold text only/);
});

test('a name that stands twice is refused, also when written differently', () => {
  const one = JSON.stringify(entry(0, 4));
  const data = new Uint8Array(4);
  refuses(file(`{"a":${one},"a":${one}}`, data), /holds a twice/);
  refuses(file(`{"a":${one}, "\\u0061" :${one}}`, data), /holds a twice/);
  refuses(file('{"__metadata__":{"x":"1","x":"2"}}'), /holds x twice/);
  // The same key in two objects, or in text, is no repetition.
  const fine = `{"__metadata__":{"x":"{\\"a\\":1,\\"a\\":2}"},"x":${one}}`;
  assert.equal([...parseSafetensors(file(fine, data), 'test').tensors.keys()], ['x']);
});

test('wrong offsets and shapes are refused, naming the tensor', () => {
  const data = new Uint8Array(16);
  refuses(file({ a: entry(0, 8), b: entry(4, 12) }, data), /tensor b overlaps tensor a/);
  refuses(file({ a: entry(0, 4), b: entry(8, 16) }, data), /4 unused bytes between a and tensor b/);
  refuses(file({ a: entry(4, 16) }, data), /4 unused bytes between the header and tensor a/);
  refuses(file({ a: entry(0, 20) }, data), /tensor a ends at byte 20 of the data, which has 16/);
  refuses(file({ a: entry(8, 0, [2]) }, data), /tensor a: .*data_offsets/);
  refuses(file({ a: entry(0, 16, [3]) }, data), /tensor a: F32 \[3\] takes 12 bytes/);
  refuses(file({ a: entry(0, 16, [-4]) }, data), /tensor a: shape \[-4\]/);
  refuses(file({ a: entry(0, 16, [1.5]) }, data), /tensor a: shape \[1\.5\]/);
  refuses(file({ a: entry(0, 16, [2 ** 31, 2 ** 31, 2 ** 31]) }, data), /tensor a: F32/);
  refuses(file({ a: { dtype: 'F32', shape: [4] } }, data), /tensor a: data_offsets undefined/);
  refuses(file({ a: { ...entry(0, 16), dtype: 'F99' } }, data), /tensor a: unknown dtype "F99"/);
  refuses(file({ a: { ...entry(0, 16), dtype: 'toString' } }, data), /tensor a: unknown dtype/);
  refuses(file({ a: 5 }, data), /tensor a: its header entry is no object/);
});
