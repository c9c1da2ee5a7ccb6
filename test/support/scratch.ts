import { inScratch } from '../../src/forge/scratch.ts';

/** A test's body that may use scratch memory. */
export const held = (body: () => void) => (): void => inScratch(2 ** 26, body);
