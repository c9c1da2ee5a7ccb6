import * as assert from 'uvu/assert';
import { LlsmError } from '../../src/base/errors.ts';
import { type Constants, expand } from '../../src/gpu/template.ts';
import { test } from '../support/run.ts';

const of = (text: string, constants: Constants = {}, includes = {}): string =>
  expand('shader', text, constants, includes);
const lines = (...all: string[]): string => all.join('\n');

/** The error must name shader and line. */
function refused(text: string, line: number, why: RegExp, constants: Constants = {}): void {
  assert.throws(
    () => of(text, constants),
    (error: unknown) =>
      error instanceof LlsmError &&
      error.message.startsWith(`shader.wgsl:${line}: `) &&
      why.test(error.message),
    `line ${line}, ${why}`,
  );
}

test('text without constants is unchanged', () => {
  const text = lines('fn main() {', '  // a comment', '  let a = 1u; //not a directive', '}', '');
  assert.is(of(text), text);
});

test('constants are put in, also inside identifiers', () => {
  assert.is(of('array<f32, $N>', { N: 64 }), 'array<f32, 64>');
  assert.is(of(`\${N}u + acc$N + acc\${N}_1 + acc$N_2`, { N: 8 }), '8u + acc8 + acc8_1 + acc8_2');
  assert.is(of('x: array<$TYPE>', { TYPE: 'vec4f' }), 'x: array<vec4f>');
  assert.is(of('$YES $NO', { YES: true, NO: false }), '1 0');
  assert.is(of('$', {}), '$');
  refused(lines('a', 'let b = $MISSING;'), 2, /no constant named MISSING/);
  refused(`\${N}`, 1, /no constant named N/, { M: 1 });
});

test('if, if not, else', () => {
  const text = lines('//! if A', 'yes', '//! else', 'no', '//! end', 'after');
  assert.is(of(text, { A: true }), lines('yes', 'after'));
  assert.is(of(text, { A: 0 }), lines('no', 'after'));
  const not = lines('  //! if !A', 'no', '  //! end');
  assert.is(of(not, { A: false }), 'no');
  assert.is(of(not, { A: 1 }), '');
});

test('nested ifs: what is inside a dead one stays out', () => {
  const text = lines(
    '//! if A',
    'a',
    '//! if B',
    'ab',
    '//! else',
    'a not b',
    '//! end',
    '//! else',
    'not a',
    '//! if B',
    'b not a',
    '//! end',
    '//! end',
  );
  assert.is(of(text, { A: true, B: true }), lines('a', 'ab'));
  assert.is(of(text, { A: true, B: false }), lines('a', 'a not b'));
  assert.is(of(text, { A: false, B: true }), lines('not a', 'b not a'));
  assert.is(of(text, { A: false, B: false }), 'not a');
});

test('loops are unrolled, and may be nested', () => {
  const text = lines('//! for s in 0 .. N', 'row $s', '//! for l in $s', '//! end');
  refused(text, 3, /not a loop: l in \$s/, { N: 1 });
  const nested = lines(
    '//! for s in 0 .. N',
    '//! for l in 1 .. 3',
    `a\${s}_$l`,
    '//! end',
    'row $s',
    '//! end',
  );
  assert.is(of(nested, { N: 2 }), lines('a0_1', 'a0_2', 'row 0', 'a1_1', 'a1_2', 'row 1'));
  assert.is(of(nested, { N: 0 }), '');
  const inIf = lines('//! if A', '//! for i in 0 .. 2', '$i', '//! end', '//! end');
  assert.is(of(inIf, { A: false }), '');
  assert.is(of(inIf, { A: true }), lines('0', '1'));
  const ifIn = lines('//! for i in 0 .. 2', '//! if A', '$i', '//! end', '//! end');
  assert.is(of(ifIn, { A: true }), lines('0', '1'));
});

test('includes see the constants', () => {
  const load = lines('//! if RELU', 'max(x, $ZERO)', '//! end');
  const made = of('//! include load', { RELU: true, ZERO: '0.0' }, { load });
  assert.is(made, 'max(x, 0.0)');
  refused(lines('a', '//! include nothing'), 2, /nothing to include named nothing/);
});

test('directives that do not match are refused where they stand', () => {
  refused(lines('a', '//! if A', 'b'), 2, /no matching end/, { A: true });
  refused(lines('//! for i in 0 .. 2', '$i'), 1, /no matching end/);
  refused(lines('a', '//! end'), 2, /end without if or for/);
  refused('//! else', 1, /else without if or for/);
  refused(lines('//! for i in 0 .. 2', '//! else', '//! end'), 2, /a for has no else/);
  refused('//! for i of 0 .. 2', 1, /not a loop/);
  refused('//! unless A', 1, /unknown directive unless/);
  refused('//! if B', 1, /no constant named B/, { A: 1 });
});
