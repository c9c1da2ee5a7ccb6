/**
 * NumPy's .npy files of numbers (NEP 1, numpy/lib/format.py), read as data: files that hold Python
 * objects are refused. Browser-safe.
 */
import { LlsmError } from '../../src/base/errors.ts';

export interface NpyArray {
  shape: number[];
  /** Row-major. */
  data: number[];
}

const readers: Record<string, [bytes: number, read: (view: DataView, at: number) => number]> = {
  '<i2': [2, (view, at) => view.getInt16(at, true)],
  '<i4': [4, (view, at) => view.getInt32(at, true)],
  '<i8': [8, (view, at) => Number(view.getBigInt64(at, true))],
  '<f4': [4, (view, at) => view.getFloat32(at, true)],
  '<f8': [8, (view, at) => view.getFloat64(at, true)],
};

/**
 * @param name the file's, for messages
 * @throws LlsmError where it is no such file, is cut short, or holds something other than little-endian numbers in C order
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = String.fromCharCode(...bytes.subarray(0, 6));
  if (magic !== '\x93NUMPY' || bytes.length < 12) {
    throw new LlsmError(`${name} is not a NumPy array (.npy), or is cut short.`);
  }
  const [headerAt, headerLength] =
    bytes[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  const header = new TextDecoder('latin1').decode(
    bytes.subarray(headerAt, headerAt + headerLength),
  );
  const type = /'descr': *'([^']*)'/.exec(header)?.[1];
  const shapeText = /'shape': *\(([\d, ]*)\)/.exec(header)?.[1];
  if (type === undefined || shapeText === undefined) {
    throw new LlsmError(`${name}: its NumPy header cannot be read: ${header.slice(0, 80)}`);
  }
  if (!Object.hasOwn(readers, type) || /'fortran_order': *True/.test(header)) {
    throw new LlsmError(
      `${name} holds a NumPy array of type "${type}"${/True/.test(header) ? ' in Fortran order' : ''}. Numbers of the types ${Object.keys(readers).join(', ')} in C order can be read.`,
    );
  }
  const shape = (shapeText.match(/\d+/g) ?? []).map(Number);
  const count = shape.reduce((product, side) => product * side, 1);
  const [size, read] = readers[type];
  const from = headerAt + headerLength;
  if (bytes.length - from !== count * size) {
    throw new LlsmError(
      `${name}: an array of ${shape.join(' x ')} ${type} takes ${count * size} bytes, but ${bytes.length - from} are there.`,
    );
  }
  return { shape, data: Array.from({ length: count }, (_, i) => read(view, from + i * size)) };
}
