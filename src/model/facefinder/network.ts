import type { Tensor } from '../../graph/tensor.ts';
import type { Candidate } from './candidates.ts';
import type { FinderBuilder } from './layers.ts';

/** How 8-bit RGB becomes a network's input: (value - mean) * scale a channel. */
export interface Normalisation {
  mean: readonly [number, number, number];
  scale: number;
  /** Whether the network takes blue first. */
  bgr?: boolean;
}

/** A network of the face finder that says where faces are. */
export interface DetectorNetwork {
  normalisation: Normalisation;
  /**
   * Sides of its square input, each looked at, where nothing else is asked for: large ones for small
   * faces.
   */
  sides: readonly number[];
  /** The number that a side must be a multiple of. */
  multiple: number;
  /** Whether it takes other sides than `sides`. */
  resizable: boolean;
  /** Boxes that overlap more are one face. */
  iou: number;
  /** Faces below are not reported, unless another score is asked for. */
  score: number;
  /** Tensors of its checkpoint that are no weights, by name, with their shapes. */
  tables?: Readonly<Record<string, readonly number[]>>;
  /** Appends the forward pass of image [B, S, S, 3]; outputs are maps. */
  forward(build: FinderBuilder, image: Tensor): Tensor[];
  /**
   * Candidates of one image.
   * @param outs the outputs' values, each with its shape [1, h, w, channels]
   * @param least the lowest score of a candidate
   * @param tables values by the names of `tables`
   */
  decode(
    outs: readonly { shape: readonly number[]; data: Float32Array }[],
    least: number,
    side: number,
    tables: Readonly<Record<string, Float32Array>>,
  ): Candidate[];
}

/** RGB pixels [side, side, 3] as a network takes them. */
export function normalised(
  pixels: ArrayLike<number>,
  { mean, scale, bgr = false }: Normalisation,
): Float32Array {
  const out = new Float32Array(pixels.length);
  for (let i = 0; i < out.length; i += 3) {
    for (let c = 0; c < 3; c++) out[i + c] = (pixels[i + (bgr ? 2 - c : c)] - mean[c]) * scale;
  }
  return out;
}
