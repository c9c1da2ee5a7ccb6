import { LlsmError } from '../base/errors.ts';

/** One opened GPU device and what the layers above need to know of its adapter. */
export interface Gpu {
  readonly device: GPUDevice;
  /** The adapter as people know it, e.g. "llvmpipe (LLVM 15.0.6, 256 bits)". */
  readonly name: string;
  /** A software driver computes on the CPU: right, and slow. */
  readonly software: boolean;
  /**
   * The subgroup size that kernels are written for: a software driver's, where it is fixed and known
   * (lavapipe 8, SwiftShader 4). 0 on every GPU: some of those have subgroups of 4 or 8 too, but the
   * registers that a software driver's kernels take are memory there.
   */
  readonly subgroupSize: number;
  /**
   * Bytes that a plan may take without saving memory at the cost of time: on a GPU what one buffer may
   * hold, since WebGPU does not say how much there is; on a software driver nothing, absent.
   */
  readonly memory?: number;
  /**
   * Side of the matrices that subgroups multiply, 16-bit operands with 32-bit sums; absent where the
   * adapter has none, or they were not asked for.
   */
  readonly matrix?: number;
  /** The forms of kernels measured best on this adapter, by what they were chosen for. */
  readonly tuned?: ReadonlyMap<string, string>;
  /** Toggles of Dawn that the caller asked for; empty where none. */
  readonly toggles: readonly string[];
  /** Milliseconds that a submit should take at most, of whatever runs on this device. */
  readonly longestSubmit: number;
  /**
   * Waits for something that the device has promised (a map, work done, a pipeline). Every wait of
   * some length goes through here, because how to wait without slowing the device is its own matter.
   */
  wait<T>(promise: Promise<T>): Promise<T>;
  /** Throws what the GPU reported since it was opened: an uncaptured error or a lost device. */
  check(): void;
  /** Resolves in words when the device is lost, unless by `close`: nothing on it can be used then. */
  readonly lost: Promise<string>;
  /** Lets the device go; what it reports from then on is not an error. */
  close(): void;
}

export interface OpenOptions {
  toggles?: readonly string[];
  powerPreference?: GPUPowerPreference;
  /**
   * Asks for products by the GPU's matrix units, whose operands are rounded to 16 bits (default false).
   * Experimental: Dawn alone has them, with its toggle `allow_unsafe_apis`.
   */
  matrices?: boolean;
  /**
   * Milliseconds that a submit should take at most (default 250: drivers reset a device that does not
   * come back for seconds). A GPU that also draws the screen does nothing else until a submit is done: a
   * page that is to stay smooth takes 8, half a frame.
   */
  longestSubmit?: number;
}

const usualLongestSubmit = 250;

const softwareNames = /llvmpipe|lavapipe|swiftshader|basic render|softpipe/i;

function nameOf(info: GPUAdapterInfo): string {
  return info.description || [info.vendor, info.architecture, info.device].join(' ').trim();
}

/** An error that no scope caught, for people. */
function problemOf(error: GPUError): string {
  const { message } = error;
  // By its name: the class is a global in a page alone.
  return error.constructor.name === 'GPUOutOfMemoryError'
    ? `The GPU ran out of memory (${message}): use a smaller batch, size or width, or close what else uses it`
    : `The GPU reported an error: ${message}`;
}

/** Limits that a large network meets: each is raised to what the adapter allows. */
const raised = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;

const wanted: GPUFeatureName[] = ['subgroups', 'timestamp-query', 'shader-f16'];

const matrixFeature = 'chromium-experimental-subgroup-matrix' as GPUFeatureName;

/** What an adapter with matrices says of those it multiplies, M x K by K x N. */
interface MatrixInfo {
  subgroupMatrixConfigs?: Iterable<{
    componentType: string;
    resultComponentType: string;
    M: number;
    N: number;
    K: number;
  }>;
}

/** Side of square matrices of 16-bit floats whose products are summed in 32 bits, where there are any. */
function matrixSide(device: GPUDevice, info: GPUAdapterInfo): number | undefined {
  if (!device.features.has(matrixFeature)) return;
  // Four subgroups of 32 are what the kernel is written for.
  if (info.subgroupMinSize !== 32 || info.subgroupMaxSize !== 32) return;
  const configs = [...((info as MatrixInfo).subgroupMatrixConfigs ?? [])];
  const fitting = configs.filter(
    ({ componentType, resultComponentType, M, N, K }) =>
      componentType === 'f16' &&
      resultComponentType === 'f32' &&
      M === N &&
      N === K &&
      32 % M === 0,
  );
  return fitting.length ? Math.max(...fitting.map(({ M }) => M)) : undefined;
}

/**
 * Opens a device of `root` (`navigator.gpu`, or Dawn's in Node).
 * @throws LlsmError when no adapter is offered or the device is refused.
 */
export async function openGpu(root: GPU, options: OpenOptions = {}): Promise<Gpu> {
  const adapter = await root.requestAdapter({
    powerPreference: options.powerPreference ?? 'high-performance',
  });
  if (!adapter) {
    throw new LlsmError(
      'No WebGPU adapter was found. In Node, run `node scripts/setup.js`, which says what is ' +
        'missing; in a browser, use one with WebGPU switched on.',
    );
  }
  const requiredLimits: Record<string, number> = {};
  for (const limit of raised) requiredLimits[limit] = adapter.limits[limit];
  const device = await adapter.requestDevice({
    requiredLimits,
    requiredFeatures: [...wanted, ...(options.matrices ? [matrixFeature] : [])].filter((feature) =>
      adapter.features.has(feature),
    ),
  });

  return watched(device, adapter.info, options, () => device.destroy());
}

/**
 * A device that the caller has opened and goes on owning: `close` leaves it as it is. It should have been
 * asked for the adapter's own limits of buffer sizes and storage buffers, and for `subgroups` and
 * `shader-f16` where the adapter has them: what it was not given cannot be used.
 */
export const gpuOf = (device: GPUDevice, options: Pick<OpenOptions, 'longestSubmit'> = {}): Gpu =>
  watched(device, device.adapterInfo, options, () => {});

function watched(
  device: GPUDevice,
  info: GPUAdapterInfo,
  options: OpenOptions,
  letGo: () => void,
): Gpu {
  let failure: string | undefined;
  let closed = false;
  device.addEventListener('uncapturederror', (event) => {
    failure ??= problemOf(event.error);
  });
  const lost = new Promise<string>((tell) => {
    device.lost.then((info) => {
      if (closed) return;
      failure ??= `The GPU device was lost (${info.reason}): ${info.message}`;
      tell(failure);
    });
  });
  const software = info.isFallbackAdapter || softwareNames.test(nameOf(info));
  const fixed = info.subgroupMinSize === info.subgroupMaxSize ? (info.subgroupMinSize ?? 0) : 0;
  return {
    device,
    name: nameOf(info),
    software,
    subgroupSize: software && device.features.has('subgroups') ? fixed : 0,
    toggles: options.toggles ?? [],
    matrix: matrixSide(device, info),
    longestSubmit: options.longestSubmit ?? usualLongestSubmit,
    memory: software ? undefined : device.limits.maxBufferSize,
    lost,
    wait: (promise) => promise,
    check() {
      if (failure) throw new LlsmError(failure);
    },
    close() {
      closed = true;
      letGo();
    },
  };
}

/** One line that names the adapter, for every command's first line on standard error. */
export function describeGpu(gpu: Gpu): string {
  const kind = gpu.software ? 'software driver: right, but slow' : 'GPU';
  const toggles = gpu.toggles.length ? `; toggles ${gpu.toggles.join(', ')}` : '';
  return `Adapter: ${gpu.name} (${kind})${toggles}`;
}
