/** The pair explorer: one part of the face against all others, and the matrix of all pairs beside it. */
import { colourAt, viridis } from '../src/image/colours.ts';
import type { Box } from '../src/image/pixels.ts';
import { $, score, sized } from './dom.ts';
import { drawCrop, type Shown } from './stage.ts';

const side = 448;

/** What a part is like beside all others. */
export interface PartWords {
  mean: number;
  farthest: number;
}

/** Mean dissimilarity of part i to the others, and which is farthest. */
export function partOf(dissimilarity: Float32Array, i: number): PartWords {
  const n = Math.sqrt(dissimilarity.length);
  const row = dissimilarity.subarray(i * n, (i + 1) * n);
  let [sum, farthest] = [0, i === 0 ? 1 : 0];
  for (let j = 0; j < n; j++) {
    if (j === i) continue;
    sum += row[j];
    if (row[j] > row[farthest]) farthest = j;
  }
  return { mean: sum / (n - 1), farthest };
}

/** The part that the others fit least: where one begins to look. */
export function oddest(dissimilarity: Float32Array): number {
  const n = Math.sqrt(dissimilarity.length);
  let [best, most] = [0, -1];
  for (let i = 0; i < n; i++) {
    const { mean } = partOf(dissimilarity, i);
    if (mean > most) [best, most] = [i, mean];
  }
  return best;
}

/** The explorer of one face at a time. */
export class Explorer {
  #shown: Shown | undefined;
  #square: Box = [0, 0, 1, 1];
  #map: Float32Array | undefined;
  #matrix: HTMLCanvasElement | undefined;
  /** Parts along a side. */
  #across = 1;
  #at = 0;

  constructor() {
    const face = $('explorer');
    face.addEventListener('keydown', (event) => this.#key(event));
    const move = (event: PointerEvent) => this.#point(event);
    face.addEventListener('pointermove', move);
    face.addEventListener('pointerdown', move);
    const matrix = $<HTMLCanvasElement>('explorer-matrix');
    const row = (event: PointerEvent) => {
      const { top, height } = matrix.getBoundingClientRect();
      this.#go(Math.floor(((event.clientY - top) / height) * this.#across ** 2));
    };
    matrix.addEventListener('pointermove', row);
    matrix.addEventListener('pointerdown', row);
  }

  /** Shows a face; `dissimilarity` is [HW, HW]. */
  show(shown: Shown, square: Box, dissimilarity: Float32Array): void {
    this.#shown = shown;
    this.#square = square;
    this.#map = dissimilarity;
    const n = Math.sqrt(dissimilarity.length);
    this.#across = Math.sqrt(n);
    this.#matrix = document.createElement('canvas');
    const context = sized(this.#matrix, n, n);
    const pixels = context.createImageData(n, n);
    dissimilarity.forEach((value, k) => {
      pixels.data.set([...colourAt(viridis, value), 255], 4 * k);
    });
    context.putImageData(pixels, 0, 0);
    this.#at = oddest(dissimilarity);
    this.#draw();
  }

  #go(at: number): void {
    if (at === this.#at || at < 0 || at >= this.#across ** 2) return;
    this.#at = at;
    this.#draw();
  }

  #point(event: PointerEvent): void {
    const { left, top, width, height } = $('explorer').getBoundingClientRect();
    const n = this.#across;
    const x = Math.floor(((event.clientX - left) / width) * n);
    const y = Math.floor(((event.clientY - top) / height) * n);
    if (x >= 0 && x < n && y >= 0 && y < n) this.#go(y * n + x);
  }

  #key(event: KeyboardEvent): void {
    const n = this.#across;
    const [x, y] = [this.#at % n, Math.floor(this.#at / n)];
    const to: Record<string, [number, number]> = {
      ArrowLeft: [Math.max(0, x - 1), y],
      ArrowRight: [Math.min(n - 1, x + 1), y],
      ArrowUp: [x, Math.max(0, y - 1)],
      ArrowDown: [x, Math.min(n - 1, y + 1)],
      Home: [0, y],
      End: [n - 1, y],
    };
    const next = to[event.key];
    if (!next) return;
    event.preventDefault();
    this.#go(next[1] * n + next[0]);
  }

  #draw(): void {
    const [shown, map, matrix, n] = [this.#shown, this.#map, this.#matrix, this.#across];
    if (!shown || !map || !matrix) return;
    const parts = n * n;
    const face = sized($<HTMLCanvasElement>('explorer-face'), side, side);
    drawCrop(face, shown, this.#square, side);
    const cell = side / n;
    const row = map.subarray(this.#at * parts, (this.#at + 1) * parts);
    row.forEach((value, j) => {
      if (j === this.#at) return;
      const [r, g, b] = colourAt(viridis, value);
      face.fillStyle = `rgb(${r} ${g} ${b} / ${0.15 + 0.6 * value})`;
      face.fillRect((j % n) * cell, Math.floor(j / n) * cell, cell, cell);
    });
    const [x, y] = [this.#at % n, Math.floor(this.#at / n)];
    outline(face, x * cell, y * cell, cell, cell);

    const all = sized($<HTMLCanvasElement>('explorer-matrix'), parts * 2, parts * 2);
    all.imageSmoothingEnabled = false;
    all.drawImage(matrix, 0, 0, parts * 2, parts * 2);
    outline(all, 0, this.#at * 2 - 1, parts * 2, 4);

    const { mean, farthest } = partOf(map, this.#at);
    const place = (i: number) => `row ${Math.floor(i / n) + 1}, column ${(i % n) + 1}`;
    $('explorer-note').textContent =
      `Part at ${place(this.#at)}: ${score(mean)} on average to the others (0 same source, 1 different); ` +
      `farthest from the part at ${place(farthest)}, ${score(row[farthest])}.`;
  }
}

function outline(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  context.lineWidth = 5;
  context.strokeStyle = '#000';
  context.strokeRect(x, y, width, height);
  context.lineWidth = 2.5;
  context.strokeStyle = '#fff';
  context.strokeRect(x, y, width, height);
}
