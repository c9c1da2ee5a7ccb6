/**
 * Every shader that configs and settings lead to, on each kind of adapter, held to what all of WebGPU
 * allows, and read by a compiler that is not Dawn's: naga, which is Firefox's.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWgsl, validate, writeHlsl, writeMsl, writeSpirv } from 'naga-wasm';
import * as assert from 'uvu/assert';
import { type Kernel, kernelOf, shader } from '../../src/gpu/pipeline.ts';
import { inHalf } from '../../src/gpu/storage16.ts';
import { test } from '../support/run.ts';
import { type kinds, launchesOn } from '../support/variants.ts';

/** What every adapter has: the standard's default limits. */
const most = { storageBuffers: 8, invocations: 256, workgroupBytes: 16_384 };

const kernelsOn = (kind: keyof typeof kinds): Kernel[] => [
  ...new Set(Array.from(launchesOn(kind), ({ kernel }) => kernel)),
];
const portable = [...kernelsOn('gpu'), ...kernelsOn('software')];
const all: ReadonlySet<Kernel> = new Set([
  ...portable,
  ...kernelsOn('SwiftShader'),
  ...kernelsOn('lavapipe'),
]);

const namesOf = (these: Iterable<Kernel>): string[] => [
  ...new Set(Array.from(these, ({ name }) => name)),
];

test('every shader in the sources is among them', () => {
  const files = readdirSync('src/kernels', { recursive: true, encoding: 'utf8' });
  // Naga knows nothing of matrix units: that shader has a test of its own, with Dawn's null adapter.
  const shaders = files.filter((file) => /(?<!_matrix)\.wgsl$/.test(file));
  assert.ok(shaders.length > 30);
  const missing = shaders.filter((file) => {
    const text = readFileSync(join('src/kernels', file), 'utf8');
    const plain = text.split('\n').filter((line) => !/\$|\/\//.test(line));
    const mark = plain.reduce((a, b) => (b.length > a.length ? b : a));
    return ![...all].some(({ source }) => source.includes(mark));
  });
  assert.equal(missing, [], 'recorded by nothing that test/support/variants.ts knows');
});

test('no stage binds more storage buffers than every adapter allows', () => {
  const over = [...all].filter(({ bindings }) => bindings.length > most.storageBuffers);
  assert.equal(namesOf(over), []);
  assert.ok([...all].some(({ bindings }) => bindings.length === most.storageBuffers));
});

/** The value of products and quotients of whole numbers, such as `8 * 32 / 4`. */
const product = (terms: string): number =>
  [...`* ${terms}`.matchAll(/([*/])\s*(\d+)/g)].reduce(
    (value, [, operator, n]) => (operator === '*' ? value * Number(n) : value / Number(n)),
    1,
  );

/** Bytes of a type such as `array<array<vec4f, 8>, 2 * 16>`. */
function bytesOf(type: string): number {
  const array = /^array<(.*),([\d */]+)>$/.exec(type.trim());
  if (array) return bytesOf(array[1]) * product(array[2]);
  const bytes = { f16: 2, f32: 4, u32: 4, vec4f: 16 }[type.trim()];
  assert.ok(bytes, `another type: ${type}`);
  return bytes;
}

/** Invocations and bytes of a workgroup. */
function workgroupOf({ name, source }: Kernel) {
  const size = /@workgroup_size\(([^)]*)\)/.exec(source);
  assert.ok(size, name);
  const shared = [...source.matchAll(/var<workgroup> \w+: ([^;]*);/g)];
  return {
    invocations: product(size[1].replaceAll(',', '*')),
    bytes: shared.reduce((sum, [, type]) => sum + bytesOf(type), 0),
  };
}

test('no workgroup is larger than every adapter allows', () => {
  const sizes = [...all].map((kernel) => ({ name: kernel.name, ...workgroupOf(kernel) }));
  const over = sizes.filter(
    (it) => it.invocations > most.invocations || it.bytes > most.workgroupBytes,
  );
  assert.equal(over, []);
  assert.ok(sizes.some(({ bytes }) => bytes > 8000));
});

/** A shader without its comments. */
const codeOf = (source: string): string => source.replace(/\/\/.*$/gm, '');

test('portable kernels have nothing of subgroups', () => {
  assert.equal(namesOf(portable.filter(({ source }) => /\bsubgroup/.test(codeOf(source)))), []);
  assert.ok([...all].some(({ source }) => source.includes('subgroupBroadcast')));
});

/** A comparison of floats that is there for infinities and NaN: drivers may take it for granted. */
const guardOfFloats = /(?<![\w.])([\w.[\]]+) [!=]= \1(?![\w.[])|!\(?(all\()?abs\(/;

test('nothing hangs on how floats that are not finite compare', () => {
  for (const text of ['if (x != x) {', 'a.b[i] == a.b[i];', '!(abs(v) <= 1.0)', '!all(abs(v) < c)'])
    assert.ok(guardOfFloats.test(text), text);
  const guarded = [...all].filter(({ source }) => guardOfFloats.test(codeOf(source)));
  assert.equal(namesOf(guarded), []);
});

/** The functions are known to naga, the directive is not: without it they are translated all the same. */
const directive = /^enable subgroups;$/m;

function translate({ source }: Kernel): void {
  const module = parseWgsl(source.replace(directive, ''));
  const info = validate(module);
  try {
    for (const made of [
      writeSpirv(module, info),
      writeMsl(module, info, { langVersion: [2, 4] }),
      writeHlsl(module, info, { shaderModel: '6_2' }),
    ]) {
      assert.ok(made.length > 0);
    }
  } finally {
    info.free();
    module.free();
  }
}

test('naga translates all of them: to SPIR-V, to Metal, to Direct3D', () => {
  const refused: string[] = [];
  for (const kernel of all) {
    try {
      translate(kernel);
    } catch (error) {
      refused.push(`${kernel.name}: ${(error as Error).message}`);
    }
  }
  const count = (pattern: RegExp) => [...all].filter(({ source }) => pattern.test(source)).length;
  const [lanes, halves] = [count(directive), count(/^enable f16;$/m)];
  console.log(
    `naga: ${all.size - refused.length} of ${all.size} shaders translated, none skipped; ${halves} ` +
      `have f16; from ${lanes}, of software drivers, its unknown directive "enable subgroups" was taken`,
  );
  assert.equal(refused, []);
  assert.ok(lanes > 0 && halves > 0);
});

test('naga refuses what is wrong', () => {
  const text = (statement: string) => `struct Params { count: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(1)
fn main() { ${statement} }`;
  translate(kernelOf('right', text('out[0] = f32(p.count);')));
  translate(inHalf(shader('half', text('out[0] = f32(p.count);'))(), ['out']));
  assert.throws(() => translate(kernelOf('wrong', text('out[0] = p.count;'))), /u32/);
});
