import type { Config } from '../../config/config.ts';
import { largestMap } from '../../kernels/llsm/largest-map.ts';
import { tapSize } from './params.ts';

/** Number of positions HW that the pair head compares; 0 where there is no pair head. */
export const tapPositions = ({ llsm, ...config }: Config): number =>
  llsm ? tapSize({ llsm, ...config }, llsm.tap) ** 2 : 0;

/** Number of positions HW of the map of pairs [HW, HW] an image; 0 where it is too large or there is none. */
export const mapPositions = (config: Config): number => {
  const positions = tapPositions(config);
  return positions <= largestMap ? positions : 0;
};

/** Reason why the map of pairs is left out (it would be too large); undefined where it is made. */
export function leftOut(config: Config): string | undefined {
  const positions = tapPositions(config);
  if (positions <= largestMap) return undefined;
  return (
    `similarity is left out: ${config.size} px give it ${positions} x ${positions} values, and it ` +
    `is made up to ${largestMap} x ${largestMap}`
  );
}
