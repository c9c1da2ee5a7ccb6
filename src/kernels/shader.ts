import { shader as plain } from '../gpu/pipeline.ts';
import column from './column.wgsl';
import invocation64 from './invocation64.wgsl';
import strip from './strip.wgsl';

/** Includes that every shader of the kernels may use. */
const common = { column, invocation64, strip };

/** A shader of the kernels as a function of its constants, as `shader` of gpu/pipeline.ts. */
export const shader: typeof plain = (name, source, includes) =>
  plain(name, source, { ...common, ...includes });
