import { create, globals } from 'webgpu';
import { LlsmError, messageOf } from '../errors.ts';
import { type Gpu, openGpu } from './device.ts';

/** Dawn frees its instance, and every device of it, when this object is collected. */
let instance: GPU | undefined;

/**
 * Opens Dawn's adapter in Node. `LLSM_DAWN` may hold Dawn flags (space-separated, such as
 * `backend=vulkan adapter=NVIDIA`). The process does not end by itself while the instance lives:
 * call `process.exit` when done.
 * @param toggles Dawn feature toggles, `name` to enable, `-name` to disable.
 */
export async function openNodeGpu(toggles: readonly string[] = []): Promise<Gpu> {
  Object.assign(globalThis, globals);
  const on = toggles.filter((name) => !name.startsWith('-'));
  const off = toggles.filter((name) => name.startsWith('-')).map((name) => name.slice(1));
  const flags = process.env.LLSM_DAWN?.split(/\s+/).filter(Boolean) ?? [];
  if (on.length) flags.push(`enable-dawn-features=${on.join(',')}`);
  if (off.length) flags.push(`disable-dawn-features=${off.join(',')}`);
  try {
    instance = create(flags);
  } catch (error) {
    throw new LlsmError(
      `Dawn could not start (${messageOf(error)}). Run \`node scripts/setup.js\` to see what is missing.`,
    );
  }
  return openGpu(instance, { toggles });
}
