import * as assert from 'uvu/assert';
import { shader } from '../../src/gpu/pipeline.ts';
import { inHalf } from '../../src/gpu/storage16.ts';
import { test } from '../support/run.ts';

/** The statements of a shader's `main`, with x: array<vec4f> and out: array<f32>, in 16 bits. */
function statements(body: string, names = ['x', 'out']): string {
  const text = `struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> index: array<u32>;
fn main() {
${body}
}
`;
  const { source } = inHalf(shader('example', text)(), names);
  return source.slice(source.indexOf('fn main() {\n') + 12, source.indexOf('\n}\n'));
}

test('loads are converted to f32', () => {
  assert.is(statements('let a = x[i] * 2.0;'), 'let a = vec4f(x[i]) * 2.0;');
  assert.is(statements('let a = x[i].y == x[j].z;'), 'let a = vec4f(x[i]).y == vec4f(x[j]).z;');
  assert.is(statements('f(x[index[i] + 1u]);'), 'f(vec4f(x[index[i] + 1u]));');
  assert.is(statements('let a = x[u32(out[i])];'), 'let a = vec4f(x[u32(f32(out[i]))]);');
});

test('stores are converted from f32', () => {
  assert.is(statements('out[i] = a + x[i].x;'), 'out[i] = toF16(a + vec4f(x[i]).x);');
  assert.is(statements('out[i] += a - b;'), 'out[i] = toF16(f32(out[i]) + (a - b));');
  assert.is(
    statements('if (a) { out[i] = out[i] * 2.0; }'),
    'if (a) { out[i] = toF16(f32(out[i]) * 2.0); }',
  );
});

test('other names, members and comments stay', () => {
  assert.is(
    statements('let a = max[i] + p.x[1] + xx[i] + y.out[2];'),
    'let a = max[i] + p.x[1] + xx[i] + y.out[2];',
  );
  assert.is(statements('// out[i] = all of\nlet a = x[0];'), '\nlet a = vec4f(x[0]);');
  assert.is(statements('out[i] = x[i].x;', ['x']), 'out[i] = vec4f(x[i]).x;');
});

test('a flag is bound where something is stored, under a free number', () => {
  const example = shader(
    'stores',
    `struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(4) var<storage, read> x: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> out: array<vec4f>;
fn main() { out[0] = x[0]; }`,
  )();
  const bindings = (names: string[]) =>
    inHalf(example, names).bindings.map((it) => [it.name, it.binding]);
  assert.equal(bindings(['x']), [
    ['x', 4],
    ['out', 7],
  ]);
  assert.equal(bindings(['x', 'out']), [
    ['x', 4],
    ['out', 7],
    ['outOfRange', 8],
  ]);
  assert.is(inHalf(example, ['x']), inHalf(example, ['x']));
});

test('refuses what it cannot convert', () => {
  assert.throws(
    () => statements('', ['index']),
    /example\.wgsl: index cannot be stored in 16 bits/,
  );
  assert.throws(() => statements('f(&out[0]);'), /out cannot be stored in 16 bits/);
});
