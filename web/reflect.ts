/**
 * What `src/gpu/pipeline.ts` asks of `wgsl_reflect`, for the page, where that package would be a third
 * of the code: the declarations of our own shaders, a uniform struct of scalars and storage variables.
 * `test/kernels/kernels.test.ts` holds both readings side by side on every shader.
 */

interface Member {
  name: string;
  offset: number;
  type: { name: string };
}

interface Variable {
  name: string;
  binding: number;
  access: string;
}

const uniformPattern = /@binding\((\d+)\)\s*var<uniform>\s*(\w+)\s*:\s*(\w+)/g;
const storagePattern = /@binding\((\d+)\)\s*var<storage(?:\s*,\s*(\w+))?\s*>\s*(\w+)\s*:/g;

/** The declarations of a shader, read. */
export class WgslReflect {
  readonly uniforms: { binding: number; members: Member[]; size: number }[];
  readonly storage: Variable[];

  /** @throws Error where a uniform is no struct of u32, i32 and f32 */
  constructor(declarations: string) {
    this.uniforms = [...declarations.matchAll(uniformPattern)].map(([, binding, , type]) => {
      const members = membersOf(declarations, type);
      return { binding: Number(binding), members, size: 4 * members.length };
    });
    this.storage = [...declarations.matchAll(storagePattern)].map(
      ([, binding, access = 'read', name]) => ({ name, binding: Number(binding), access }),
    );
  }
}

function membersOf(declarations: string, struct: string): Member[] {
  const body = new RegExp(`struct\\s+${struct}\\s*\\{([^}]*)\\}`).exec(declarations)?.[1];
  if (body === undefined) throw new Error(`there is no struct ${struct}`);
  const lines = body.replace(/\/\/.*$/gm, '').split(',');
  return lines
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line, k) => {
      const [, name, type] = /^(\w+)\s*:\s*(u32|i32|f32)$/.exec(line) ?? [];
      if (!name) throw new Error(`"${line}" is no field of u32, i32 or f32`);
      return { name, offset: 4 * k, type: { name: type } };
    });
}
