/** The library as Node imports it: `llsm`, standing on Dawn and the files of the package. */
import { provideHost } from '../src/detect/host.ts';
import { nodeHost } from './host.ts';

export * from '../src/index.ts';

provideHost(nodeHost);
