import { describeGpu, type Gpu } from '../gpu/device.ts';
import { openNodeGpu } from '../gpu/node.ts';
import { readTuned } from '../gpu/tuned-node.ts';
import { menuVersion } from '../kernels/conv/version.ts';

/** Dawn's adapter, with the forms of kernels that `llsm bench --tune` found best on it. */
export async function openTunedGpu(toggles: readonly string[] = []): Promise<Gpu> {
  const gpu = await openNodeGpu(toggles);
  const { forms, note } = readTuned(gpu, menuVersion);
  if (note) console.error(note);
  return { ...gpu, tuned: forms };
}

/** The same, and says on standard error which adapter it is. */
export async function openGpu(): Promise<Gpu> {
  const gpu = await openTunedGpu();
  console.error(describeGpu(gpu));
  return gpu;
}
