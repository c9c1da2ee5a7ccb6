/** What a machine has that the library does not bring: an adapter, and files by their name or address. */
import { LlsmError } from '../base/errors.ts';
import type { Gpu } from '../gpu/device.ts';

export interface ReadOptions {
  signal?: AbortSignal;
  /** Told how many bytes are there, and of how many; 0 of how many where that is not known. */
  onBytes?(loaded: number, total: number): void;
}

/** Node or a page, as the library sees it. */
export interface Host {
  openGpu(): Promise<Gpu>;
  /**
   * The bytes of a file: a path or a URL in Node, a URL in a page.
   * @throws LlsmError naming it, where it cannot be read
   */
  read(source: string | URL, options: ReadOptions): Promise<Uint8Array>;
  /** The weights and the face finder that come with the library. */
  readonly weights: string | URL;
  readonly finder: string | URL;
}

let known: Host | undefined;

/** Says what the library stands on, once. The entry points of Node and of the page do. */
export function provideHost(host: Host): void {
  known = host;
}

/** @throws LlsmError where none was provided */
export function hostOf(): Host {
  if (known) return known;
  throw new LlsmError(
    'Nothing says where the GPU and the files are: import `llsm` as its package.json exports it, ' +
      'or call provideHost',
  );
}

let place: string | URL | undefined;

/**
 * Says where a page has the files of `dist/web` (networks, codecs), where a bundler has put the code
 * elsewhere. Without it they are beside the code. Node has them in the package.
 */
export function filesAt(folder: string | URL): void {
  place = folder;
}

/** The folder that `filesAt` named. */
export const namedFolder = (): string | URL | undefined => place;

/** A file as an application has it; text is a URL, in Node also a path. */
export type Source = string | URL | Blob | Uint8Array | ArrayBuffer;

/** The name of a source, for messages and findings. */
export function nameOf(source: Source, otherwise: string): string {
  if (typeof source === 'string') return source;
  if (source instanceof URL) return source.href;
  const { name } = source as { name?: unknown };
  return typeof name === 'string' && name !== '' ? name : otherwise;
}

/** @throws LlsmError naming the source, where it cannot be read */
export async function bytesOf(source: Source, options: ReadOptions = {}): Promise<Uint8Array> {
  options.signal?.throwIfAborted();
  if (source instanceof Uint8Array) return source;
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (typeof source === 'string' || source instanceof URL) return hostOf().read(source, options);
  const bytes = new Uint8Array(await source.arrayBuffer());
  options.signal?.throwIfAborted();
  return bytes;
}

/** SHA-256 in hexadecimal; null where the page was not loaded over https or from this machine. */
export async function sha256Of(bytes: Uint8Array): Promise<string | null> {
  if (!globalThis.crypto?.subtle) return null;
  const digest = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
