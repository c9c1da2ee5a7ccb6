import type { Config } from './config.ts';
import { tapSize } from './params.ts';

export { largestMap } from '../kernels/llsm/largest-map.ts';

/** HW, the positions that the pair head compares; 0 where there is none. */
export const tapPositions = ({ llsm, ...config }: Config): number =>
  llsm ? tapSize({ llsm, ...config }, llsm.tap) ** 2 : 0;
