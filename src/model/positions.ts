import type { Config } from './config.ts';
import { tapSize } from './params.ts';

/** HW up to which the full map of pairs, HW x HW values an image, is written. */
export const largestMap = 4096;

/** HW, the positions that the pair head compares; 0 where there is none. */
export const tapPositions = ({ llsm, ...config }: Config): number =>
  llsm ? tapSize({ llsm, ...config }, llsm.tap) ** 2 : 0;
