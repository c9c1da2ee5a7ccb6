import { version as packaged } from '../../package.json';

/** The package's version, as its package.json has it. */
export const version: string = packaged;
