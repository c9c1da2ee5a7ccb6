/** Metadata of a safetensors file, changed without touching its tensors. */

/**
 * The file with these entries in `__metadata__`, beside and in place of those it has; the tensors'
 * bytes stay as they are, whatever their types.
 *
 * @param file a whole safetensors file, as `parseSafetensors` accepts it
 * @returns its parts, to be written one after the other
 */
export function withMetadata(file: Uint8Array, entries: Record<string, string>): Uint8Array[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const end = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(file.subarray(8, end)));
  const metadata = { ...header.__metadata__, ...entries };
  const json = new TextEncoder().encode(JSON.stringify({ ...header, __metadata__: metadata }));
  const padded = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(8 + padded).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(padded), true);
  head.set(json, 8);
  return [head, file.subarray(end)];
}
