/** The weights that come with the package (Node only). */
import { join } from 'node:path';
import { packageRoot } from '../system/package-root.ts';

/** The path of the network that `weights/README.md` describes. */
export const defaultWeights = (): string => join(packageRoot(), 'weights', 'llsm.safetensors');
