import { type HostTensor, headBytes, parseHead, valuesOf } from './safetensors.ts';

/** A safetensors file of which the header was read, and no tensor yet. */
export interface OpenSafetensors {
  metadata: Record<string, string>;
  /** Shapes by name, in the order of the tensors' bytes. */
  shapes: Map<string, readonly number[]>;
  /** Reads the tensors one by one, in that order. */
  tensors(): AsyncGenerator<[name: string, tensor: HostTensor]>;
}

/**
 * Opens a safetensors file of F32, F16 and BF16 tensors, to be read a tensor at a time: no more of it
 * is in memory. In a page a `File`, or what `response.blob()` gives; in Node `openAsBlob` of node:fs.
 * @param where the file's name, for messages
 * @throws LlsmError naming the file, and the tensor, where anything contradicts the format
 */
export async function openSafetensors(file: Blob, where: string): Promise<OpenSafetensors> {
  const read = async (begin: number, end: number): Promise<Uint8Array> =>
    new Uint8Array(await file.slice(begin, end).arrayBuffer());
  const length = headBytes(await read(0, 8), file.size, where);
  const { entries, metadata, dataAt } = parseHead(await read(0, length), file.size, where);
  return {
    metadata,
    shapes: new Map(entries.map(({ name, shape }) => [name, shape])),
    async *tensors() {
      for (const entry of entries) {
        const bytes = await read(dataAt + entry.begin, dataAt + entry.end);
        yield [entry.name, valuesOf(entry, bytes)];
      }
    },
  };
}
