/**
 * PNG as a list of chunks: checked before decoding (a decoder's panic names nothing), and given text.
 * Format: PNG specification, third edition (chunks 5.3, IHDR 11.2.1, tEXt 11.3.3).
 */
import { LlsmError } from '../base/errors.ts';

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const bitDepths: Record<number, number[]> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c;
});

function crc32(bytes: Uint8Array): number {
  let c = 0xffffffff;
  for (const byte of bytes) c = crcTable[(c ^ byte) & 255] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

interface Chunk {
  type: string;
  data: Uint8Array;
  /** Offset of the chunk in the file, in bytes. */
  at: number;
}

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes);

export const isPng = (bytes: Uint8Array) => signature.every((byte, i) => bytes[i] === byte);

/**
 * The chunks up to IEND. Checks lengths and the CRC of every critical chunk.
 * @throws LlsmError naming the file where it is cut short or damaged.
 */
export function pngChunks(bytes: Uint8Array, name: string): Chunk[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const chunks: Chunk[] = [];
  let at = signature.length;
  while (at + 12 <= bytes.length) {
    const length = view.getUint32(at);
    const type = latin1(bytes.subarray(at + 4, at + 8));
    if (at + 12 + length > bytes.length) break;
    const critical = (bytes[at + 4] & 0x20) === 0;
    const crc = view.getUint32(at + 8 + length);
    if (critical && crc32(bytes.subarray(at + 4, at + 8 + length)) !== crc) {
      throw new LlsmError(
        `${name}: damaged PNG: the checksum of its ${type} chunk at byte ${at} is wrong. Get the file again.`,
      );
    }
    chunks.push({ type, data: bytes.subarray(at + 8, at + 8 + length), at });
    if (type === 'IEND') return chunks;
    at += 12 + length;
  }
  throw new LlsmError(
    `${name}: the PNG is cut short: it ends after ${bytes.length} bytes, before its IEND chunk. Get the file again.`,
  );
}

/**
 * Width and height, once all that can be checked without decompressing holds.
 * @throws LlsmError naming the file and what is wrong.
 */
export function pngSize(bytes: Uint8Array, name: string): { width: number; height: number } {
  const chunks = pngChunks(bytes, name);
  const header = chunks[0];
  if (header.type !== 'IHDR' || header.data.length !== 13) {
    throw new LlsmError(`${name}: damaged PNG: it does not begin with an IHDR chunk of 13 bytes.`);
  }
  const view = new DataView(header.data.buffer, header.data.byteOffset, 13);
  const [depth, colour] = [view.getUint8(8), view.getUint8(9)];
  if (!bitDepths[colour]) {
    throw new LlsmError(`${name}: damaged PNG: there is no colour type ${colour}.`);
  }
  if (!bitDepths[colour].includes(depth)) {
    throw new LlsmError(
      `${name}: damaged PNG: colour type ${colour} has no bit depth ${depth}, only ${bitDepths[colour].join(', ')}.`,
    );
  }
  if (!chunks.some((chunk) => chunk.type === 'IDAT')) {
    throw new LlsmError(`${name}: damaged PNG: it holds no image data (no IDAT chunk).`);
  }
  if (colour === 3 && !chunks.some((chunk) => chunk.type === 'PLTE')) {
    throw new LlsmError(`${name}: damaged PNG: a palette image without a palette (no PLTE chunk).`);
  }
  return { width: view.getUint32(0), height: view.getUint32(4) };
}

/** The PNG with one tEXt chunk for each entry, placed before its first IDAT. Latin-1 text only. */
export function addPngText(png: Uint8Array, text: Readonly<Record<string, string>>): Uint8Array {
  const added = Object.entries(text).map(([key, value]) => {
    const body = Uint8Array.from(`tEXt${key}\0${value}`, (letter) => letter.charCodeAt(0));
    const chunk = new Uint8Array(body.length + 8);
    const view = new DataView(chunk.buffer);
    view.setUint32(0, body.length - 4);
    chunk.set(body, 4);
    view.setUint32(4 + body.length, crc32(body));
    return chunk;
  });
  const first = pngChunks(png, 'PNG').find((chunk) => chunk.type === 'IDAT');
  if (!first) throw new LlsmError('PNG without image data (no IDAT chunk).');
  const parts = [png.subarray(0, first.at), ...added, png.subarray(first.at)];
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/** The tEXt entries of a PNG. */
export function readPngText(png: Uint8Array, name = 'PNG'): Record<string, string> {
  const text: Record<string, string> = {};
  for (const chunk of pngChunks(png, name)) {
    if (chunk.type !== 'tEXt') continue;
    const zero = chunk.data.indexOf(0);
    text[latin1(chunk.data.subarray(0, zero))] = latin1(chunk.data.subarray(zero + 1));
  }
  return text;
}
