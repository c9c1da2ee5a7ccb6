import type { Traits } from '../graph/record.ts';

/**
 * Whether kernels are chosen for a GPU: it runs many invocations at once, shares in workgroup memory
 * cheaply, and stands still between dispatches. To a software driver all three are the other way round.
 */
export const isGpu = ({ software, subgroupSize }: Traits): boolean =>
  software === undefined ? subgroupSize !== 4 && subgroupSize !== 8 : !software;
