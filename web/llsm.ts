/** The library as a page imports it: a script tag of type `module`, or a bundler. */
import { provideHost } from '../src/detect/host.ts';
import { pageHost } from './host.ts';

export * from '../src/index.ts';

provideHost(pageHost);
