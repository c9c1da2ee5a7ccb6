import { LlsmError } from '../base/errors.ts';
import { type Kernel, kernelOf } from './pipeline.ts';
import { rewritten, withoutComments } from './rewrite.ts';

/** The variable of a kernel with 16-bit bindings that says whether a stored value was out of range. */
export const rangeFlag = 'outOfRange';

/** The largest finite 16-bit float. */
export const largestHalf = 65504;

const halves = new WeakMap<Kernel, Map<string, Kernel>>();

/**
 * The kernel with some of its bindings stored in 16-bit floats (`shader-f16`). Kernels are written for
 * 32 bits; here every load of such a binding becomes a conversion to f32 and every store one from it,
 * so that arithmetic and accumulators stay as they are.
 *
 * A stored value that is not finite in 16 bits sets the flag `outOfRange`, a binding that a kernel
 * gets which stores any.
 * @throws LlsmError for a binding that holds something else than f32 or vec4f, or whose address is taken
 */
export function inHalf(kernel: Kernel, bindings: readonly string[]): Kernel {
  const known = halves.get(kernel) ?? new Map<string, Kernel>();
  halves.set(kernel, known);
  const key = bindings.join(' ');
  const made = known.get(key) ?? kernelOf(kernel.name, halfText(kernel, bindings));
  known.set(key, made);
  return made;
}

/**
 * The guards look at the bits: drivers may take it for granted that no value is infinite or NaN, and
 * then a comparison of floats says nothing of those. 0x477fe000 is 65,504 in 32 bits.
 */
const storing = (position: number): string => `
@group(0) @binding(${position}) var<storage, read_write> ${rangeFlag}: atomic<u32>;

fn toF16(value: f32) -> f16 {
  if ((bitcast<u32>(value) & 0x7fffffffu) > 0x477fe000u) { atomicStore(&${rangeFlag}, 1u); }
  return f16(value);
}

fn toVec4h(value: vec4f) -> vec4h {
  if (any((bitcast<vec4u>(value) & vec4u(0x7fffffffu)) > vec4u(0x477fe000u))) { atomicStore(&${rangeFlag}, 1u); }
  return vec4h(value);
}
`;

const elements = { f32: ['f16', 'toF16'], vec4f: ['vec4h', 'toVec4h'] } as const;

function halfText(kernel: Kernel, names: readonly string[]): string {
  let text = withoutComments(kernel.source);
  let stores = false;
  for (const name of names) {
    const declared = new RegExp(`(\\b${name}: array<)(f32|vec4f)>;`);
    const wide = declared.exec(text)?.[2] as keyof typeof elements | undefined;
    if (!wide || new RegExp(`&\\s*${name}\\b`).test(text)) {
      throw new LlsmError(`${kernel.name}.wgsl: ${name} cannot be stored in 16 bits`);
    }
    const [narrow, store] = elements[wide];
    text = rewritten(text.replace(declared, `$1${narrow}>;`), {
      name,
      load: (index) => `${wide}(${name}[${index}])`,
      store: (value) => `${store}(${value})`,
    });
    stores ||= text.includes(`= ${store}(`);
  }
  const position = 1 + Math.max(...kernel.bindings.map(({ binding }) => binding));
  return `enable f16;\n${text}${stores ? storing(position) : ''}`;
}
