import * as assert from 'uvu/assert';
import { shader } from '../../src/gpu/pipeline.ts';
import { inBytes, valueOfByte } from '../../src/gpu/storage8.ts';
import { test } from '../support/run.ts';

const kernel = (body: string) =>
  shader(
    'example',
    `struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> wide: array<vec4f>;
fn main() {
${body}
}
`,
  )();

const statement = (body: string, name = 'x'): string => {
  const { source } = inBytes(kernel(body), name);
  return source.slice(source.indexOf('fn main() {\n') + 12, source.indexOf('\n}\n'));
};

test('loads become those of bytes, the rest stays', () => {
  assert.is(statement('out[i] = x[i + 1u] * xx[i];'), 'out[i] = byteOf_x(i + 1u) * xx[i];');
  assert.is(statement('let a = x[u32(x[i])];'), 'let a = byteOf_x(u32(byteOf_x(i)));');
  assert.ok(inBytes(kernel(''), 'x').source.includes('var<storage, read> x: array<u32>;'));
  assert.is(inBytes(kernel('let a = x[0];'), 'x'), inBytes(kernel('let a = x[0];'), 'x'));
});

test('refuses what is no picture to be read', () => {
  for (const name of ['out', 'wide', 'none']) {
    assert.throws(() => inBytes(kernel(''), name), `${name} cannot be read as bytes`);
  }
  assert.throws(() => inBytes(kernel('f(&x[0]);'), 'x'), /x cannot be read as bytes/);
});

test("a byte's value in two products of f32, fused or not, is that of the division", () => {
  const { source } = inBytes(kernel(''), 'x');
  const [, high, low] =
    /f32\(odd \* 257\) \* ([\de.-]+) \+ f32\(odd\) \* ([\de.-]+);/.exec(source) ?? [];
  const f32 = Math.fround;
  for (let byte = 0; byte < 256; byte++) {
    const odd = 2 * byte - 255;
    const [a, b] = [odd * 257 * f32(Number(high)), odd * f32(Number(low))];
    const right = f32(byte / 127.5 - 1);
    assert.is(valueOfByte(byte), right);
    for (const value of [f32(f32(a) + f32(b)), f32(f32(a) + b), f32(a + f32(b))]) {
      assert.is(value, right, `${byte}`);
    }
  }
});
