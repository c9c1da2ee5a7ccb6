/**
 * The engine alone, for whoever builds a network of their own: a device, tensors and operations on
 * a tape, gradients, plans. It knows nothing of faces.
 * @module llsm/engine
 */
export { LlsmError } from './base/errors.ts';
export { Random } from './base/random.ts';
export { describeGpu, type Gpu, type OpenOptions, openGpu } from './gpu/device.ts';
export { backward } from './graph/backward.ts';
export type { Gradients } from './graph/gradients.ts';
export { type MemoryPlan, type PlanLimits, planMemory } from './graph/plan.ts';
export { Graph, type Launch, type Slice } from './graph/record.ts';
export { type DispatchTime, Plan } from './graph/replay.ts';
export { type ParamSpec, ParamStore } from './graph/store.ts';
export { type Dtype, type Read, read, relu, Tensor } from './graph/tensor.ts';
export { adam, adamStep } from './kernels/adam/adam.ts';
export { adaptivePool } from './kernels/adaptive_pool/adaptive_pool.ts';
export { batchNorm, runningAffine } from './kernels/batch_norm/batch_norm.ts';
export { bce } from './kernels/bce/bce.ts';
export { conv } from './kernels/conv/conv.ts';
export { depthwise } from './kernels/depthwise/depthwise.ts';
export { dot } from './kernels/dot/dot.ts';
export { fill } from './kernels/fill/fill.ts';
export { gate } from './kernels/gate/gate.ts';
export { maxPool } from './kernels/max_pool/max_pool.ts';
export { poolAdd } from './kernels/pool_add/pool_add.ts';
export { residualAdd } from './kernels/residual_add/residual_add.ts';
export { resize } from './kernels/resize/resize.ts';
export { upsampleAdd } from './kernels/upsample_add/upsample_add.ts';
