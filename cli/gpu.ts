import { openTunedGpu } from '../node/gpu/tuned.ts';
import { describeGpu, type Gpu } from '../src/gpu/device.ts';

/** Opens Dawn's adapter with its tuned forms, and says on standard error which adapter it is. */
export async function openGpu(): Promise<Gpu> {
  const gpu = await openTunedGpu((note) => console.error(note));
  console.error(describeGpu(gpu));
  return gpu;
}
