/** The bytes of a file that a scan is to look at: on this machine, or by its URL (Node only). */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { LlsmError, messageOf, UsageError } from '../../src/base/errors.ts';

/** A failure of the moment: the file is to be tried again. */
export class TryAgain extends Error {
  override name = 'TryAgain';
}

export interface FileBytes {
  bytes: Uint8Array;
  /** When it was last changed, in milliseconds since 1970; null where unknown. */
  modified: number | null;
}

/** The largest picture file that is read: one of 100 megapixels has less. */
const mostBytes = 2 ** 29;
const secondsForUrl = 60;

/** What a file system says where another moment may say something else. */
const passing = new Set([
  ...['EIO', 'EAGAIN', 'EBUSY', 'EMFILE', 'ENFILE', 'ENOMEM', 'ESTALE', 'ETIMEDOUT', 'EINTR'],
  ...['ENOTCONN', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'ECONNRESET'],
]);

export const isUrl = (file: string): boolean => /^https?:\/\//i.test(file);

const urlOf = (text: string): URL | null =>
  isUrl(text) && URL.canParse(text) ? new URL(text) : null;

/**
 * A prefix of URLs that may be fetched, in the form that URLs are compared in.
 * @throws UsageError where it is no URL, or does not end with "/", so that it could be the
 *   beginning of another host's or folder's name
 */
export function allowedPrefix(text: string): string {
  const url = urlOf(text);
  if (!url?.href.endsWith('/')) {
    throw new UsageError(`${text}: an allowed prefix is an http or https URL that ends with "/"`);
  }
  return url.href;
}

/** How large a file is. @throws as `readBytesOf` */
export async function sizeOf(file: string): Promise<number> {
  if (isUrl(file)) return 0; // it is told with the answer
  return onDisk(file, async () => {
    const found = await stat(file);
    if (found.isDirectory()) throw new LlsmError(`${file} is a folder, not an image.`);
    return checked(file, found.size);
  });
}

/**
 * @param prefixes of the URLs that may be fetched
 * @throws LlsmError naming a file that is not there, may not be read, or is too large; TryAgain
 *   where the disk or the network failed
 */
export async function readBytesOf(file: string, prefixes: readonly string[]): Promise<FileBytes> {
  if (isUrl(file)) return fetchBytes(file, prefixes);
  return onDisk(file, async () => {
    const [bytes, { mtimeMs }] = await Promise.all([readFile(file), stat(file)]);
    return { bytes, modified: Math.floor(mtimeMs) };
  });
}

/** What a file is known by, however large it is. @throws as `readBytesOf` */
export async function hashOf(
  file: string,
): Promise<{ sha256: string; size: number; modified: number }> {
  return onDisk(file, async () => {
    const { size, mtimeMs } = await stat(file);
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(file)) hash.update(chunk);
    return { sha256: hash.digest('hex'), size, modified: Math.floor(mtimeMs) };
  });
}

async function onDisk<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof LlsmError) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new LlsmError(`${file} does not exist. Check the name.`);
    const message = `${file} cannot be read: ${messageOf(error)}`;
    throw passing.has(code) ? new TryAgain(message) : new LlsmError(message);
  }
}

function checked(file: string, bytes: number): number {
  if (bytes > mostBytes) {
    throw new LlsmError(`${file} has ${bytes} bytes, above the limit of ${mostBytes}.`);
  }
  return bytes;
}

async function fetchBytes(file: string, prefixes: readonly string[]): Promise<FileBytes> {
  const url = urlOf(file);
  if (!url || !prefixes.some((prefix) => url.href.startsWith(prefix))) {
    throw new LlsmError(`${file} is under no URL that this worker may fetch (--allow-url).`);
  }
  const signal = AbortSignal.timeout(secondsForUrl * 1000);
  let answer: Response;
  const bytes: Uint8Array[] = [];
  try {
    // A redirect could lead anywhere.
    answer = await fetch(url, { redirect: 'error', signal });
    if (answer.ok) {
      checked(file, Number(answer.headers.get('content-length') ?? 0));
      let length = 0;
      for await (const part of answer.body ?? []) {
        bytes.push(part);
        length = checked(file, length + part.length);
      }
    }
  } catch (error) {
    if (error instanceof LlsmError) throw error;
    const cause = error instanceof Error && error.cause ? ` (${messageOf(error.cause)})` : '';
    throw new TryAgain(`${file} cannot be fetched: ${messageOf(error)}${cause}`);
  }
  if (!answer.ok) {
    const message = `${file} cannot be fetched: the server answered ${answer.status}`;
    const later = answer.status >= 500 || answer.status === 429 || answer.status === 408;
    throw later ? new TryAgain(message) : new LlsmError(message);
  }
  const modified = Date.parse(answer.headers.get('last-modified') ?? '');
  return { bytes: Buffer.concat(bytes), modified: Number.isNaN(modified) ? null : modified };
}
