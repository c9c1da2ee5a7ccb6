import { LlsmError } from '../base/errors.ts';
import { type Kernel, kernelOf } from './pipeline.ts';
import { rewritten, withoutComments } from './rewrite.ts';

/** What a kernel reads for a byte: its value / 127.5 - 1, as f32. */
export const valueOfByte = (byte: number): number => Math.fround(byte / 127.5 - 1);

const bytewise = new WeakMap<Kernel, Map<string, Kernel>>();

/**
 * The kernel with one of its bindings given as a picture's bytes, four a word. Kernels are written for
 * 32 bits; here every load of the binding becomes that of a byte, which is read as `valueOfByte`.
 * @throws LlsmError for a binding that holds something else than f32, is written, or whose address is taken
 */
export function inBytes(kernel: Kernel, binding: string): Kernel {
  const known = bytewise.get(kernel) ?? new Map<string, Kernel>();
  bytewise.set(kernel, known);
  const made = known.get(binding) ?? kernelOf(kernel.name, bytesText(kernel, binding));
  known.set(binding, made);
  return made;
}

/**
 * Byte / 127.5 - 1 = odd / 255 for an odd number of at most 8 bits, rounded once: a division on a GPU may
 * be off by more. 1 / 255 is 257 / 65,536 and a rest; odd * 257 / 65,536 is exact, and what is lost of
 * the rest lies below the sum's last bit for all 256, whether or not a driver makes one operation of a
 * product and a sum. The first product is of integers, or drivers would take `odd` out of the sum.
 */
const loading = (name: string, load: string): string => `
fn ${load}(i: u32) -> f32 {
  let odd = i32(((${name}[i >> 2u] >> ((i & 3u) * 8u)) & 255u) * 2u) - 255;
  return f32(odd * 257) * 0.0000152587890625 + f32(odd) * 5.983839201917363e-8;
}
`;

function bytesText(kernel: Kernel, name: string): string {
  const text = withoutComments(kernel.source);
  const declared = new RegExp(`(<storage, read> ${name}: array<)f32>;`);
  if (!declared.test(text) || new RegExp(`&\\s*${name}\\b`).test(text)) {
    throw new LlsmError(`${kernel.name}.wgsl: ${name} cannot be read as bytes`);
  }
  const load = `byteOf_${name}`;
  const access = { name, load: (index: string) => `${load}(${index})` };
  return rewritten(text.replace(declared, '$1u32>;'), access) + loading(name, load);
}
