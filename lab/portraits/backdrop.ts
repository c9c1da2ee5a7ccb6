/** What lies behind the person: studio, wall, lights or a place out of focus. */
import type { Random } from '../../src/base/random.ts';
import { gaussianBlur } from '../../src/image/blur.ts';
import { type Canvas, type Colour, clamp01, mix, scaled, step } from './canvas.ts';
import type { Noise } from './noise.ts';
import type { Backdrop } from './shot.ts';

const size = 80;

/** Fills the whole canvas. */
export function paintBackdrop(canvas: Canvas, backdrop: Backdrop, noise: Noise, random: Random) {
  const coarse = new Float32Array(size * size * 3);
  const put = (x: number, y: number, colour: Colour, alpha: number) => {
    const at = (y * size + x) * 3;
    for (let c = 0; c < 3; c++) coarse[at + c] += alpha * (colour[c] - coarse[at + c]);
  };
  const [first, second, third] = backdrop.colours;
  const [cos, sin] = [Math.cos(backdrop.angle), Math.sin(backdrop.angle)];
  const [sx, sy] = [random.uniform(0, 60), random.uniform(0, 60)];
  const glow = { x: random.uniform(0.2, 0.8), y: random.uniform(0.2, 0.7) };
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [a, b] = [x / size - 0.5, y / size - 0.5];
      put(x, y, mix(first, second, clamp01(0.5 + a * cos + b * sin)), 1);
      const d = Math.hypot(a + 0.5 - glow.x, b + 0.5 - glow.y);
      if (backdrop.kind === 'gradient') put(x, y, third, 0.6 * (1 - step(0, 0.75, d)));
      else if (backdrop.kind === 'canvas') {
        const cloud = noise.octaves(a * 5 + sx, b * 5 + sy, 4);
        put(x, y, scaled(third, 0.7), clamp01(0.35 + 0.8 * cloud) * (1 - step(0.1, 0.9, d)));
      } else if (backdrop.kind === 'outdoors') {
        const leaves = noise.octaves(a * 7 + sx, b * 7 + sy, 3);
        const ground = b + 0.15 * noise.at(a * 4 + sx, 3);
        put(x, y, [0.45, 0.6, 0.8], 0.8 * (1 - step(-0.3, 0.1, ground)));
        put(
          x,
          y,
          [0.1 + 0.15 * leaves, 0.2 + 0.2 * leaves, 0.05],
          step(-0.1, 0.35, ground + leaves),
        );
      }
    }
  }
  if (backdrop.kind === 'bokeh' || backdrop.kind === 'outdoors') {
    const lights = backdrop.kind === 'bokeh' ? 14 + random.int(16) : 6;
    for (let k = 0; k < lights; k++) {
      const [x, y] = [random.uniform(-5, size + 5), random.uniform(-5, size * 0.9)];
      const r = random.uniform(2.5, 8.5);
      const colour = mix(
        third,
        random.pick([first, second, [1, 0.8, 0.5], [0.9, 0.9, 1]]),
        random.next(),
      );
      disc(x, y, r, (px, py, rim) =>
        put(px, py, scaled(colour, 1.1 + 0.3 * rim), 0.35 + 0.2 * rim),
      );
    }
  }
  if (backdrop.kind === 'room') {
    for (let k = 0; k < 5 + random.int(8); k++) {
      const [x, y] = [random.int(size), random.int(size)];
      const [w, h] = [4 + random.int(22), 6 + random.int(38)];
      const colour = scaled(random.pick(backdrop.colours), random.uniform(0.4, 1.9));
      for (let py = y; py < Math.min(size, y + h); py++) {
        for (let px = x; px < Math.min(size, x + w); px++) put(px, py, colour, 0.8);
      }
    }
  }
  const soft = { gradient: 1, wall: 2, bokeh: 0.7, outdoors: 1.6, room: 2.2, canvas: 0.8 };
  gaussianBlur(coarse, size, size, 3, soft[backdrop.kind] * random.uniform(0.8, 1.6));
  const { side, data } = canvas;
  const grain = backdrop.kind === 'wall' ? 0.16 * backdrop.detail : 0;
  for (let y = 0; y < side; y++) {
    const v = Math.max(0, Math.min(size - 1.001, ((y + 0.5) / side) * size - 0.5));
    const j = Math.floor(v);
    for (let x = 0; x < side; x++) {
      const u = Math.max(0, Math.min(size - 1.001, ((x + 0.5) / side) * size - 0.5));
      const i = Math.floor(u);
      const at = (j * size + i) * 3;
      const to = (y * side + x) * 4;
      let rough = 1;
      if (grain > 0) {
        const [p, q] = [(x / side) * 30 + sx, (y / side) * 30 + sy];
        rough +=
          grain * (noise.octaves(p * 0.3, q * 0.3, 2) + 0.6 * noise.octaves(p * 2, q * 2, 2));
      }
      for (let c = 0; c < 3; c++) {
        const above = coarse[at + c] + (u - i) * (coarse[at + 3 + c] - coarse[at + c]);
        const low = at + size * 3 + c;
        const below = coarse[low] + (u - i) * (coarse[low + 3] - coarse[low]);
        data[to + c] = Math.max(0, (above + (v - j) * (below - above)) * rough);
      }
      data[to + 3] = 1;
    }
  }
}

/** Calls `each` for the cells of a disc, with 1 near its rim and 0 in its middle. */
function disc(x: number, y: number, r: number, each: (x: number, y: number, rim: number) => void) {
  for (let py = Math.max(0, Math.ceil(y - r)); py <= Math.min(size - 1, y + r); py++) {
    for (let px = Math.max(0, Math.ceil(x - r)); px <= Math.min(size - 1, x + r); px++) {
      const d = Math.hypot(px - x, py - y) / r;
      if (d <= 1) each(px, py, d ** 4);
    }
  }
}
