import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';
import { LlsmError, messageOf } from '../base/errors.ts';
import type { Gpu } from './device.ts';
import { type Constants, expand } from './template.ts';

/** A storage binding as the shader declares it. */
export interface KernelBinding {
  name: string;
  binding: number;
  access: 'read' | 'write';
}

/** A specialised shader, and what it says of itself: its bindings and its uniform's fields. */
export interface Kernel {
  readonly name: string;
  readonly source: string;
  readonly bindings: readonly KernelBinding[];
  /** `struct Params` of `@binding(0) var<uniform> p`: field name to byte offset and type. */
  readonly fields: readonly { name: string; offset: number; type: string }[];
  /** Bytes of the uniform struct. */
  readonly uniformSize: number;
}

/** Kernels by their expanded text: constants that make no difference make no second pipeline. */
const kernelsByText = new Map<string, Kernel>();

/**
 * Makes a shader a function of its constants; each set of them is expanded and parsed once. Every
 * shader has `@group(0) @binding(0) var<uniform> p: Params` (u32, i32 and f32 fields), storage
 * bindings after it, and the entry point `main`.
 * @param source the `.wgsl` file's text
 * @param includes texts by the names that `//! include` gives
 * @returns the kernel of a set of constants; throws LlsmError when the text does not have that form
 */
export function shader(
  name: string,
  source: string,
  includes: Readonly<Record<string, string>> = {},
): (constants?: Constants) => Kernel {
  const known = new Map<string, Kernel>();
  return (constants = {}) => {
    const key = JSON.stringify(constants);
    let kernel = known.get(key);
    if (!kernel) {
      kernel = kernelOf(name, expand(name, source, constants, includes));
      known.set(key, kernel);
    }
    return kernel;
  };
}

/**
 * The kernel of an expanded text.
 * @throws LlsmError as `kernel`
 */
export function kernelOf(name: string, text: string): Kernel {
  const known = kernelsByText.get(text) ?? reflect(name, text);
  kernelsByText.set(text, known);
  return known;
}

/** Declarations of a shader, without its functions: parsing those would take ten times as long. */
const declarations = /^[ \t]*(?:struct\b[^}]*\}|@group\b[^;]*;)/gm;

function reflect(name: string, text: string): Kernel {
  let reflected: WgslReflect;
  try {
    reflected = new WgslReflect((text.match(declarations) ?? []).join('\n'));
  } catch (error) {
    throw new LlsmError(`${name}.wgsl: its declarations do not parse: ${messageOf(error)}`);
  }
  const uniform = reflected.uniforms[0];
  if (uniform?.binding !== 0 || !uniform.members) {
    throw new LlsmError(`${name}.wgsl has no Params uniform at binding 0`);
  }
  return {
    name,
    source: text,
    bindings: reflected.storage.map((variable) => ({
      name: variable.name,
      binding: variable.binding,
      access: variable.access === 'read_write' ? ('write' as const) : ('read' as const),
    })),
    fields: uniform.members.map((member) => ({
      name: member.name,
      offset: member.offset,
      type: member.type.name,
    })),
    uniformSize: uniform.size,
  };
}

/** The uniform's bytes for one launch; every field must be given, and none besides. */
export function packUniform(
  kernel: Kernel,
  values: Readonly<Record<string, number>>,
  view: DataView,
  at: number,
): void {
  for (const { name, offset, type } of kernel.fields) {
    const value = values[name];
    if (value === undefined || Number.isNaN(value)) {
      throw new LlsmError(`${kernel.name}.wgsl: no value for the uniform field ${name}`);
    }
    if (type === 'f32') view.setFloat32(at + offset, value, true);
    else if (type === 'i32') view.setInt32(at + offset, value, true);
    else view.setUint32(at + offset, value, true);
  }
  const unknown = Object.keys(values).filter((key) => !kernel.fields.some((f) => f.name === key));
  if (unknown.length) {
    throw new LlsmError(`${kernel.name}.wgsl has no uniform field ${unknown.join(', ')}`);
  }
}

const pipelines = new WeakMap<GPUDevice, Map<Kernel, Promise<GPUComputePipeline>>>();

/** The kernel's pipeline on this device, compiled once. Call for all before awaiting any. */
export function pipelineOf(gpu: Gpu, kernel: Kernel): Promise<GPUComputePipeline> {
  let cache = pipelines.get(gpu.device);
  if (!cache) {
    cache = new Map();
    pipelines.set(gpu.device, cache);
  }
  let pipeline = cache.get(kernel);
  if (!pipeline) {
    pipeline = compile(gpu, kernel);
    cache.set(kernel, pipeline);
  }
  return pipeline;
}

/** Number of pipelines that this device has compiled. */
export const pipelineCount = (gpu: Gpu): number => pipelines.get(gpu.device)?.size ?? 0;

async function compile(gpu: Gpu, kernel: Kernel): Promise<GPUComputePipeline> {
  const { device } = gpu;
  // Told by the error thrown here, and by no second one that condemns the device.
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: kernel.name, code: kernel.source });
  await device.popErrorScope();
  try {
    const pipeline = device.createComputePipelineAsync({
      label: kernel.name,
      layout: 'auto',
      compute: { module, entryPoint: 'main' },
    });
    return await gpu.wait(pipeline);
  } catch (error) {
    const info = await module.getCompilationInfo();
    const notes = info.messages.map((m) => `${m.message}\n${around(kernel.source, m.lineNum)}`);
    throw new LlsmError(
      `${kernel.name}.wgsl was refused: ${messageOf(error)}\n${notes.join('\n')}`,
    );
  }
}

/** The expanded shader near a line, numbered. */
function around(source: string, line: number): string {
  return source
    .split('\n')
    .map((text, i) => `${String(i + 1).padStart(4)} ${text}`)
    .slice(Math.max(0, line - 4), line + 3)
    .join('\n');
}
