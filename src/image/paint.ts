/**
 * Drawings as pixels: resvg (WebAssembly) draws the text, with a font that comes along, so that a sheet
 * is the same in Node and in a page. Who uses this file says where both are, once; nothing is loaded
 * before the first drawing.
 */
import type { Drawing } from './layout.ts';
import type { RgbImage } from './rgb.ts';

/** The files that it needs, as package paths: the program, and PT Sans (ParaType; OFL 1.1). */
export const paintFiles = {
  resvg: '@resvg/resvg-wasm/index_bg.wasm',
  regular: '@expo-google-fonts/pt-sans/400Regular/PTSans_400Regular.ttf',
  bold: '@expo-google-fonts/pt-sans/700Bold/PTSans_700Bold.ttf',
} as const;

type Load = (file: keyof typeof paintFiles) => Promise<Uint8Array>;

let load: Load | undefined;
let ready: Promise<(svg: string) => Uint8Array> | undefined;

/** Says how the files' bytes are fetched; each is asked for once, with the first drawing. */
export function providePaint(how: Load): void {
  load = how;
}

async function start(): Promise<(svg: string) => Uint8Array> {
  if (!load) throw new Error('providePaint has not been called');
  const fetched = [load('resvg'), load('regular'), load('bold')];
  const [{ initWasm, Resvg }, program, ...fonts] = await Promise.all([
    import('@resvg/resvg-wasm'),
    ...fetched,
  ]);
  await initWasm(program as BufferSource);
  return (svg) => {
    const font = { fontBuffers: fonts, defaultFontFamily: 'PT Sans' };
    const read = new Resvg(svg, { font });
    const rendered = read.render();
    const pixels = rendered.pixels.slice();
    rendered.free();
    read.free();
    return pixels;
  };
}

/** Puts a picture onto another, which must have room for it, its upper left corner at (x, y). */
export function paste(onto: RgbImage, image: RgbImage, x: number, y: number): void {
  for (let row = 0; row < image.height; row++) {
    const line = image.data.subarray(row * image.width * 3, (row + 1) * image.width * 3);
    onto.data.set(line, ((y + row) * onto.width + x) * 3);
  }
}

/** A drawing as one picture: white, its pictures where they belong, its text above them. */
export async function paint({ width, height, pictures, svg }: Drawing): Promise<RgbImage> {
  ready ??= start();
  const over = (await ready)(svg);
  const data = new Uint8ClampedArray(width * height * 3).fill(255);
  for (const { image, x, y } of pictures) paste({ width, height, data }, image, x, y);
  for (let from = 0, to = 0; to < data.length; from += 4, to += 3) {
    const clear = 1 - over[from + 3] / 255;
    if (clear === 1) continue;
    // resvg multiplies colours with their alpha.
    for (let c = 0; c < 3; c++) data[to + c] = over[from + c] + clear * data[to + c];
  }
  return { width, height, data };
}
