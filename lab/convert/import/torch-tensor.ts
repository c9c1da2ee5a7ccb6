/**
 * Tensors as PyTorch pickles them: a view (offset, sizes, strides) of a storage, which is a typed
 * array that lies elsewhere in the file. Source: torch/_utils.py, `_rebuild_tensor_v2`, and
 * torch/serialization.py, `persistent_load`.
 */
import { LlsmError } from '../../../src/base/errors.ts';
import { type HostTensor, toFloat32 } from '../../../src/model/safetensors.ts';
import { type Fail, Global, type PickleRules, shown } from './pickle.ts';

/** Bytes a value takes, and how safetensors calls it where it can be a weight. */
const TYPES: Readonly<Record<string, { bytes: number; dtype?: 'F32' | 'F16' | 'BF16' | 'F64' }>> = {
  FloatStorage: { bytes: 4, dtype: 'F32' },
  HalfStorage: { bytes: 2, dtype: 'F16' },
  BFloat16Storage: { bytes: 2, dtype: 'BF16' },
  DoubleStorage: { bytes: 8, dtype: 'F64' },
  LongStorage: { bytes: 8 },
  IntStorage: { bytes: 4 },
  ShortStorage: { bytes: 2 },
  CharStorage: { bytes: 1 },
  ByteStorage: { bytes: 1 },
  BoolStorage: { bytes: 1 },
};

/** A storage that a pickle refers to; its bytes are put in once they are found. */
export class TorchStorage {
  readonly type: string;
  readonly key: string;
  /** Values in it. */
  readonly length: number;
  bytes?: Uint8Array;
  readonly #where: string;
  #floats?: Float32Array;

  constructor(where: string, type: string, key: string, length: number) {
    this.#where = where;
    this.type = type;
    this.key = key;
    this.length = length;
  }

  get byteLength(): number {
    return this.length * TYPES[this.type].bytes;
  }

  /** @throws LlsmError where it holds integers */
  get floats(): Float32Array {
    const { dtype } = TYPES[this.type];
    if (!dtype) {
      throw new LlsmError(
        `${this.#where}: storage ${shown(this.key)} is a ${this.type}; weights must be floats`,
      );
    }
    if (!this.bytes) throw new TypeError(`storage ${shown(this.key)} was not read`);
    this.#floats ??= toFloat32(this.bytes, dtype);
    return this.#floats;
  }
}

/** A view of a storage, checked to lie inside of it; its values are gathered when asked for. */
export class TorchTensor implements HostTensor {
  readonly shape: number[];
  readonly #storage: TorchStorage;
  readonly #offset: number;
  readonly #strides: readonly number[];
  #data?: Float32Array;

  constructor(storage: TorchStorage, offset: number, shape: number[], strides: number[]) {
    this.shape = shape;
    this.#storage = storage;
    this.#offset = offset;
    this.#strides = strides;
  }

  get data(): Float32Array {
    this.#data ??= this.#gather();
    return this.#data;
  }

  #gather(): Float32Array {
    const { floats } = this.#storage;
    const count = this.shape.reduce((n, d) => n * d, 1);
    const data = new Float32Array(count);
    const index = this.shape.map(() => 0);
    let at = this.#offset;
    for (let i = 0; i < count; i++) {
      data[i] = floats[at];
      // The last axis that can still go on does; those behind it go back to their beginning.
      for (let axis = index.length - 1; axis >= 0; axis--) {
        at += this.#strides[axis];
        if (++index[axis] < this.shape[axis]) break;
        at -= this.#strides[axis] * this.shape[axis];
        index[axis] = 0;
      }
    }
    return data;
  }
}

const isSize = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
const areSizes = (list: unknown): list is number[] =>
  Array.isArray(list) && list.length <= 8 && list.every(isSize);

/** `_rebuild_tensor(storage, offset, size, stride, ...)`; what follows is about gradients. */
function rebuildTensor(args: readonly unknown[], fail: Fail): TorchTensor {
  const [storage, offset, shape, strides] = args;
  if (!(storage instanceof TorchStorage)) return fail('a tensor has no storage');
  if (!isSize(offset) || !areSizes(shape) || !areSizes(strides)) {
    return fail('the offset, sizes and strides of a tensor are not all whole numbers from 0 on');
  }
  if (strides.length !== shape.length) return fail('a tensor has not as many strides as sizes');
  const count = shape.reduce((n, d) => n * d, 1);
  const last = shape.reduce((at, d, axis) => at + (d - 1) * strides[axis], offset);
  // No more values than its storage: an expanded tensor could claim any number of them.
  if (!(count <= storage.length) || (count > 0 && !(last < storage.length))) {
    return fail(
      `a tensor [${shape}] with strides [${strides}] from value ${offset} on does not fit into ` +
        `its storage ${shown(storage.key)}, which has ${storage.length} values`,
    );
  }
  return new TorchTensor(storage, offset, shape, strides);
}

function orderedDict(args: readonly unknown[], fail: Fail): Map<unknown, unknown> {
  const [pairs = []] = args;
  if (!Array.isArray(pairs) || !pairs.every((pair) => Array.isArray(pair) && pair.length === 2)) {
    return fail('an OrderedDict is not made of pairs');
  }
  return new Map(pairs);
}

const GLOBALS = [
  new Global('collections.OrderedDict', orderedDict),
  new Global('torch._utils._rebuild_tensor', rebuildTensor),
  new Global('torch._utils._rebuild_tensor_v2', rebuildTensor),
  new Global('torch._utils._rebuild_parameter', ([tensor], fail) =>
    tensor instanceof TorchTensor ? tensor : fail('a Parameter is no tensor'),
  ),
  new Global('torch.Size', ([sizes]) => sizes),
  ...Object.keys(TYPES).map((type) => new Global(`torch.${type}`)),
];

/**
 * What a file of PyTorch tensors may hold, and the storages that it turns out to refer to, by key.
 *
 * @param where the file's name, for messages
 */
export function torchRules(where: string): PickleRules & { storages: Map<string, TorchStorage> } {
  const storages = new Map<string, TorchStorage>();
  return {
    storages,
    globals: new Map(GLOBALS.map((known) => [known.name, known])),
    persistent(id, fail) {
      // ('storage', type, key, location, length), in old files with one more: a view of a storage.
      const [what, type, key, , length, view = null] = Array.isArray(id) ? id : [];
      if (what !== 'storage' || !(type instanceof Global) || !type.name.endsWith('Storage')) {
        return fail('it refers to something that is no storage');
      }
      if (typeof key !== 'string' || !isSize(length)) return fail('a storage has no key or length');
      if (view !== null) {
        return fail('a storage is a view of another: save the file again with a newer PyTorch');
      }
      const storage = new TorchStorage(where, type.name.slice('torch.'.length), key, length);
      const before = storages.get(key);
      if (before && (before.type !== storage.type || before.length !== length)) {
        return fail(`storage ${shown(key)} is declared twice, differently`);
      }
      if (!before) storages.set(key, storage);
      return before ?? storage;
    },
  };
}
