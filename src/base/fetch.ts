/** Files over the network, with their progress. */
import { LlsmError, messageOf } from './errors.ts';

/** The bytes of a response as they come. @param onBytes told after each piece */
export async function bytesAsTheyCome(
  response: Response,
  onBytes: (loaded: number, total: number) => void = () => {},
): Promise<Uint8Array> {
  // A compressed body has another length than it announces.
  const plain = !response.headers.get('content-encoding');
  const total = plain ? Number(response.headers.get('content-length') ?? 0) : 0;
  const pieces: Uint8Array[] = [];
  let loaded = 0;
  const reader = response.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    loaded += value.length;
    onBytes(loaded, total);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/**
 * Fetches a file.
 * @throws LlsmError naming the address, where it is not there; the signal's reason where it is aborted
 */
export async function fetchBytes(
  url: URL,
  { signal, onBytes }: { signal?: AbortSignal; onBytes?(loaded: number, total: number): void } = {},
): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return await bytesAsTheyCome(response, onBytes);
  } catch (error) {
    signal?.throwIfAborted();
    throw new LlsmError(`${url.href} cannot be fetched: ${messageOf(error)}`);
  }
}
