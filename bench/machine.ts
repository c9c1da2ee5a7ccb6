import { availableParallelism, cpus, loadavg } from 'node:os';
import { version } from '../src/base/version.ts';
import type { Gpu } from '../src/gpu/device.ts';

/** What figures must be read beside. */
export interface Machine {
  version: string;
  /** Its driver, with the version. */
  adapter: string;
  /** The device's own name, as an identifier. */
  device: string;
  software: boolean;
  /** That the kernels are written for; 0 where they are the portable ones. */
  subgroupSize: number;
  /** What the adapter says of its subgroups: smallest and largest; [0, 0] where it has none. */
  subgroups: [smallest: number, largest: number];
  toggles: readonly string[];
  node: string;
  platform: string;
  cpu: string;
  cpus: number;
  /** Processes at work in the minute before: where this is not near 0, others disturbed. */
  load: number;
  date: string;
}

export function describeMachine(gpu: Gpu): Machine {
  const { subgroupMinSize = 0, subgroupMaxSize = 0 } = gpu.device.adapterInfo;
  return {
    version,
    adapter: gpu.name,
    device: gpu.device.adapterInfo.device,
    software: gpu.software,
    subgroupSize: gpu.subgroupSize,
    subgroups: [subgroupMinSize, subgroupMaxSize],
    toggles: gpu.toggles,
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cpus: availableParallelism(),
    load: loadavg()[0],
    date: new Date().toISOString(),
  };
}
