/**
 * Files of `torch.save`: the zip of PyTorch 1.6 and later, and the one before it (a few pickles,
 * then the storages one after the other). Source: torch/serialization.py. Read as data: pickle.ts.
 */
import { unzipSync } from 'fflate';
import { LlsmError, messageOf } from '../../../src/base/errors.ts';
import type { HostTensor } from '../../../src/model/safetensors.ts';
import { type Fail, readPickle, shown } from './pickle.ts';
import { type TorchStorage, TorchTensor, torchRules } from './torch-tensor.ts';

/** The first number in a file of the older format. */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
/** The keys under which training scripts put the weights beside the optimiser and the like. */
const NESTED = ['state_dict', 'model_state_dict', 'model', 'net', 'state_dict_ema', 'model_ema'];

/** Names go into messages and lists on a terminal. */
const PRINTABLE = /^[\x20-\x7e]{1,200}$/;

/** Whether a file begins as `torch.save` begins one. */
export const isTorchFile = (file: Uint8Array): boolean => isZip(file) || file[0] === 0x80;

const isZip = (file: Uint8Array): boolean => startsWith(file, [0x50, 0x4b, 3, 4]);

const startsWith = (file: Uint8Array, bytes: readonly number[]): boolean =>
  bytes.every((byte, i) => file[i] === byte);

/**
 * The tensors of a saved state dict, found also under `state_dict`, `model` and the like. Values
 * are gathered from the file when a tensor's `data` is first asked for.
 *
 * @param where the file's name, for messages
 * @throws LlsmError naming the file where it is of another kind, holds anything but tensors and
 *   plain values, or contradicts itself
 */
export function readTorchFile(file: Uint8Array, where: string): Map<string, HostTensor> {
  const fail: Fail = (problem) => {
    throw new LlsmError(`${where}: ${problem}`);
  };
  return stateDict(isZip(file) ? readZip(file, where, fail) : readLegacy(file, where, fail), fail);
}

function stateDict(value: unknown, fail: Fail): Map<string, HostTensor> {
  for (let depth = 0; depth < 3 && value instanceof Map; depth++) {
    const tensors = new Map<string, HostTensor>();
    for (const [name, item] of value) {
      if (typeof name !== 'string' || !(item instanceof TorchTensor)) continue;
      if (!PRINTABLE.test(name))
        fail(`a tensor's name holds what cannot be printed: ${shown(name)}`);
      tensors.set(name, item);
    }
    if (tensors.size > 0) return tensors;
    const outer: Map<unknown, unknown> = value;
    value = NESTED.map((name) => outer.get(name)).find((inner) => inner instanceof Map);
  }
  return fail('it holds no dictionary of tensors: save model.state_dict() from PyTorch');
}

function readZip(file: Uint8Array, where: string, fail: Fail): unknown {
  const entries = storedEntries(file, fail);
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickles.length !== 1) {
    fail(`a zip file, but not of torch.save: ${pickles.length} data.pkl in it`);
  }
  const folder = pickles[0].slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    fail('a TorchScript program: save its weights instead, torch.save(model.state_dict(), ...)');
  }
  const order = entries.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(order) !== 'little') {
    fail('written on a big-endian machine: save it again on a little-endian one');
  }
  const rules = torchRules(where);
  const { value } = readPickle(entries.get(pickles[0]) as Uint8Array, 0, rules, fail);
  for (const storage of rules.storages.values()) {
    const bytes = entries.get(`${folder}data/${storage.key}`);
    if (!bytes) return fail(`storage ${shown(storage.key)} is missing in it`);
    giveBytes(storage, bytes, fail);
  }
  return value;
}

/** PyTorch stores entries as they are; whatever is compressed, overlaps or lies about sizes is not its. */
function storedEntries(file: Uint8Array, fail: Fail): Map<string, Uint8Array> {
  let taken = 0;
  const sizes = new Map<string, number>();
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(file, {
      filter: ({ name, size, originalSize, compression }) => {
        if (name === '') fail(`a damaged zip file: entry ${sizes.size} has no name`);
        if (sizes.has(name)) fail(`${shown(name)} in it is there twice`);
        if (compression !== 0 || size !== originalSize) {
          fail(`${shown(name)} in it is compressed, which torch.save never does: save it again`);
        }
        taken += size;
        if (!(taken <= file.length)) fail(`${shown(name)} in it is larger than the file`);
        sizes.set(name, size);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof LlsmError) throw error;
    return fail(`a damaged zip file, or cut short (${messageOf(error)})`);
  }
  const found = new Map(Object.entries(entries));
  for (const [name, size] of sizes) {
    if (found.get(name)?.length !== size) fail(`${shown(name)} in it is cut short`);
  }
  return found;
}

function giveBytes(storage: TorchStorage, bytes: Uint8Array, fail: Fail) {
  if (bytes.length !== storage.byteLength) {
    fail(
      `storage ${shown(storage.key)} is declared with ${storage.length} values (${storage.type}, ` +
        `${storage.byteLength} bytes) and has ${bytes.length} bytes`,
    );
  }
  storage.bytes = bytes;
}

function readLegacy(file: Uint8Array, where: string, fail: Fail): unknown {
  const none = { globals: new Map() };
  let at = 0;
  const next = (rules: Parameters<typeof readPickle>[2] = none): unknown => {
    const { value, end } = readPickle(file, at, rules, fail);
    at = end;
    return value;
  };
  if (next() !== MAGIC) fail('a pickle, but not of torch.save: save model.state_dict() with it');
  const protocol = next();
  if (protocol !== LEGACY_PROTOCOL)
    fail(`it is in PyTorch's format ${shown(protocol)}, which is not known`);
  const system = next();
  if (system instanceof Map && system.get('little_endian') === false) {
    fail('written on a big-endian machine: save it again on a little-endian one');
  }
  const rules = torchRules(where);
  const value = next(rules);
  const keys = next();
  if (!Array.isArray(keys)) return fail('its list of storages is missing');
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const missing = new Map(rules.storages);
  for (const key of keys) {
    const storage = missing.get(key);
    if (!storage) return fail(`it lists storage ${shown(key)}, which no tensor has, or twice`);
    missing.delete(key);
    if (file.length - at < 8) fail(`cut short before storage ${shown(key)}`);
    const length = view.getBigUint64(at, true);
    if (length !== BigInt(storage.length)) {
      fail(`storage ${shown(key)} is declared with ${storage.length} values and has ${length}`);
    }
    at += 8;
    giveBytes(storage, file.subarray(at, at + storage.byteLength), fail);
    at += storage.byteLength;
  }
  for (const key of missing.keys()) fail(`storage ${shown(key)} is missing in it`);
  if (at < file.length) fail(`${file.length - at} bytes too many at its end`);
  return value;
}
