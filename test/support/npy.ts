/** Writes NumPy's .npy files (numpy/lib/format.py). */

const writers = {
  '<i2': (view: DataView, at: number, value: number) => view.setInt16(at * 2, value, true),
  '<i4': (view: DataView, at: number, value: number) => view.setInt32(at * 4, value, true),
  '<i8': (view: DataView, at: number, value: number) =>
    view.setBigInt64(at * 8, BigInt(value), true),
  '<f4': (view: DataView, at: number, value: number) => view.setFloat32(at * 4, value, true),
  '<f8': (view: DataView, at: number, value: number) => view.setFloat64(at * 8, value, true),
};

/** A file's bytes. @param shape row-major */
export function npy(
  values: readonly number[],
  shape: readonly number[],
  type: keyof typeof writers = '<i8',
  version: 1 | 2 = 1,
): Uint8Array {
  const sides = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const dict = `{'descr': '${type}', 'fortran_order': False, 'shape': (${sides}), }`;
  const before = version === 1 ? 10 : 12;
  const length = Math.ceil((before + dict.length + 1) / 64) * 64 - before;
  const head = new DataView(new ArrayBuffer(before));
  for (const [i, byte] of Buffer.from('\x93NUMPY', 'latin1').entries()) head.setUint8(i, byte);
  head.setUint8(6, version);
  if (version === 1) head.setUint16(8, length, true);
  else head.setUint32(8, length, true);
  const data = new DataView(new ArrayBuffer(values.length * Number(type[2])));
  for (const [i, value] of values.entries()) writers[type](data, i, value);
  const header = `${dict.padEnd(length - 1)}\n`;
  return Buffer.concat([Buffer.from(head.buffer), Buffer.from(header), Buffer.from(data.buffer)]);
}
