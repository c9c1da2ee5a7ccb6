/** Format of a file and size of its picture, read from its first bytes, before anything is decoded. */
import { LlsmError } from '../base/errors.ts';
import { isPng, pngSize } from './png.ts';

export interface ImageHeader {
  format: 'jpeg' | 'png' | 'webp';
  width: number;
  height: number;
  /** Bytes in which EXIF is looked for: the file itself, or a WebP file's EXIF chunk; null where none. */
  exif: Uint8Array | null;
}

/** Pixels of the largest picture that is decoded, at four bytes a pixel; larger ones are refused. */
export const maxPixels = 100e6;

const ascii = (bytes: Uint8Array, from: number, to: number) =>
  String.fromCharCode(...bytes.subarray(from, to));

/** The name of what a file is instead, for the message. */
function otherFormat(bytes: Uint8Array): string | undefined {
  if (ascii(bytes, 0, 4) === 'GIF8') return 'a GIF image';
  if (ascii(bytes, 0, 2) === 'BM') return 'a BMP image';
  if (['II*\0', 'MM\0*'].includes(ascii(bytes, 0, 4))) return 'a TIFF image';
  if (ascii(bytes, 0, 4) === '%PDF') return 'a PDF';
  if (ascii(bytes, 0, 4) === 'PK\x03\x04') return 'a ZIP archive';
  if (ascii(bytes, 4, 8) === 'ftyp') {
    const brand = ascii(bytes, 8, 12);
    if (/^(hei|mif|msf|hev)/.test(brand)) return 'a HEIC image';
    return brand.startsWith('avi') ? 'an AVIF image' : 'a video';
  }
  if (/^\s*<svg|^\s*<\?xml/.test(ascii(bytes, 0, 64))) return 'an SVG image';
  if (/^\s*<(!doctype )?html/i.test(ascii(bytes, 0, 64))) return 'a web page';
  if (bytes[1] === 0x50 && bytes[2] === 0x4e && bytes[3] === 0x47) {
    return 'a PNG damaged by a text-mode transfer';
  }
}

/** Frame size from the first start-of-frame marker (ITU-T T.81, B.2.2). */
function jpegSize(bytes: Uint8Array, name: string): { width: number; height: number } {
  let at = 2;
  while (at + 9 <= bytes.length) {
    if (bytes[at] !== 0xff) {
      throw new LlsmError(`${name}: damaged JPEG: no marker where one belongs, at byte ${at}.`);
    }
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++;
    } else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) {
      at += 2;
    } else if (marker === 0xda || marker === 0xd9) {
      throw new LlsmError(`${name}: damaged JPEG: its image data begin before its frame header.`);
    } else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return {
        height: (bytes[at + 5] << 8) | bytes[at + 6],
        width: (bytes[at + 7] << 8) | bytes[at + 8],
      };
    } else {
      at += 2 + ((bytes[at + 2] << 8) | bytes[at + 3]);
    }
  }
  throw new LlsmError(`${name}: the JPEG is cut short, inside its header. Get the file again.`);
}

/** RIFF chunks of a still WebP (RFC 9649). */
function webpHeader(bytes: Uint8Array, name: string): Omit<ImageHeader, 'format'> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cut = () => new LlsmError(`${name}: the WebP file is cut short. Get the file again.`);
  if (bytes.length < 20 || view.getUint32(4, true) + 8 > bytes.length) throw cut();
  const uint24 = (at: number) => view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
  const end = view.getUint32(4, true) + 8;
  let size: { width: number; height: number } | undefined;
  let exif: Uint8Array | null = null;
  for (let at = 12; at + 8 <= end; ) {
    const type = ascii(bytes, at, at + 4);
    const length = view.getUint32(at + 4, true);
    const data = at + 8;
    if (data + length > end) throw cut();
    if (type === 'VP8X' && length >= 10) {
      if (view.getUint8(data) & 2) {
        throw new LlsmError(`${name}: an animated WebP. Save one of its frames as PNG or JPEG.`);
      }
      size = { width: uint24(data + 4) + 1, height: uint24(data + 7) + 1 };
    } else if (type === 'VP8 ' && length >= 10) {
      size ??= {
        width: view.getUint16(data + 6, true) & 0x3fff,
        height: view.getUint16(data + 8, true) & 0x3fff,
      };
    } else if (type === 'VP8L' && length >= 5) {
      const bits = view.getUint32(data + 1, true);
      size ??= { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    } else if (type === 'EXIF') {
      const tiff = ascii(bytes, data, data + 6) === 'Exif\0\0' ? data + 6 : data;
      exif = bytes.subarray(tiff, data + length);
    }
    at = data + length + (length & 1);
  }
  if (!size) throw new LlsmError(`${name}: damaged WebP: it holds no picture.`);
  return { ...size, exif };
}

/**
 * @param name the file's name, for messages
 * @throws LlsmError for what is empty, not a JPEG, PNG or WebP, damaged, or above 100 megapixels.
 */
export function readHeader(bytes: Uint8Array, name: string): ImageHeader {
  if (bytes.length === 0) throw new LlsmError(`${name} is empty (0 bytes). Get the file again.`);
  let header: ImageHeader;
  if (bytes[0] === 0xff && bytes[1] === 0xd8) {
    header = { format: 'jpeg', ...jpegSize(bytes, name), exif: bytes };
  } else if (isPng(bytes)) {
    header = { format: 'png', ...pngSize(bytes, name), exif: bytes };
  } else if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 12) === 'WEBP') {
    header = { format: 'webp', ...webpHeader(bytes, name) };
  } else {
    const what = otherFormat(bytes);
    throw new LlsmError(
      `${name} is ${what ?? 'not an image'}. JPEG, PNG and WebP can be read${what ? ': convert it' : ''}.`,
    );
  }
  const { width, height } = header;
  if (width === 0 || height === 0) {
    throw new LlsmError(`${name}: damaged file: its picture is ${width} x ${height} pixels.`);
  }
  if (width * height > maxPixels) {
    throw new LlsmError(
      `${name} has ${width} x ${height} pixels, above the limit of ${maxPixels / 1e6} megapixels. Scale it down.`,
    );
  }
  return header;
}
