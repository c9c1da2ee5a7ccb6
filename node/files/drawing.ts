/** Drawings as PNG files in Node; the program that draws and its fonts are read with the first one. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Drawing } from '../../src/image/layout.ts';
import { paint, paintFiles, providePaint } from '../../src/image/paint.ts';
import { encodePng } from './image.ts';

const require = createRequire(import.meta.url);
providePaint((file) => readFile(require.resolve(paintFiles[file])));

/** A drawing's bytes as a PNG file. */
export const drawPng = async (drawing: Drawing): Promise<Uint8Array> =>
  encodePng(await paint(drawing));
