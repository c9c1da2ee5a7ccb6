/** 8-bit RGB, row-major: `data[(y * width + x) * 3 + channel]`. */
export interface RgbImage {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** One 8-bit value a pixel, row-major. */
export interface GreyImage {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}
