/**
 * A thread that reads the floats out of one HDF5 file and ends. The HDF5 library is C code compiled
 * to WebAssembly, and damaged files make it run wild: here it has a memory and a file system of its
 * own, and a caller that loses patience (hdf5-node.ts).
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Dataset, File, Group, ready } from 'h5wasm';
import { messageOf } from '../../../src/base/errors.ts';
import type { HostTensor } from '../../../src/model/safetensors.ts';
import type { Hdf5Answer } from './hdf5-node.ts';

/** Groups within groups; Keras goes five deep. */
const DEEPEST = 8;
const MOST_OBJECTS = 20_000;
/** Values in all tensors (256 MiB); a whole Xception has 22.9 million. */
const MOST_VALUES = 2 ** 26;
/** Of a trained model's file; as large as the weights, and no use here. */
const OPTIMISER = 'optimizer_weights';

function readFloats(file: Uint8Array, { FS, H5T_class_t, ...module }: Awaited<typeof ready>) {
  module.activate_throwing_error_handler();
  FS.writeFile('weights.h5', file);
  const tensors = new Map<string, HostTensor>();
  let objects = 0;
  let values = 0;
  const read = (path: string, dataset: Dataset) => {
    const { type, size, shape, vlen, littleEndian } = dataset.metadata;
    const isFloat = type === H5T_class_t.H5T_FLOAT.value && (size === 4 || size === 8);
    if (!isFloat || vlen || !littleEndian || !shape) return;
    values += shape.reduce((n, d) => n * d, 1);
    if (!(values <= MOST_VALUES)) {
      throw new Error(`it holds more than ${MOST_VALUES} values, up to ${path} [${shape}]`);
    }
    tensors.set(path, {
      shape: [...shape],
      data: Float32Array.from(dataset.value as Float32Array),
    });
  };
  const walk = (group: Group, path: string, depth: number) => {
    for (const name of group.keys()) {
      if (++objects > MOST_OBJECTS) throw new Error(`it holds more than ${MOST_OBJECTS} objects`);
      if (name === OPTIMISER) continue;
      const found = group.get(name);
      if (found instanceof Group) {
        if (depth === DEEPEST) throw new Error(`its groups are more than ${DEEPEST} deep`);
        walk(found, `${path}${name}/`, depth + 1);
      } else if (found instanceof Dataset) read(path + name, found);
    }
  };
  walk(new File('weights.h5', 'r'), '', 1);
  return tensors;
}

/** The innermost reason in the HDF5 library's trace. */
function reasonOf(error: unknown): string {
  const message = messageOf(error);
  const reasons = [...message.matchAll(/#\d+: .* in \w+\(\): (.*)/g)];
  return reasons.at(-1)?.[1] ?? message;
}

let answer: Hdf5Answer;
try {
  answer = { tensors: readFloats(workerData as Uint8Array, await ready) };
} catch (error) {
  answer = { problem: reasonOf(error) };
}
const buffers = answer.tensors && [...answer.tensors.values()].map(({ data }) => data.buffer);
parentPort?.postMessage(answer, (buffers ?? []) as ArrayBuffer[]);
