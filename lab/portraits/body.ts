/** What carries the face: ears, neck, shoulders and clothes. */
import { bell, type Canvas, type Colour, clamp01, mix, scaled, step } from './canvas.ts';
import { plainSkin, type Scene } from './face.ts';
import { shade, type Vector } from './light.ts';
import type { Clothes } from './shot.ts';

/** Both ears. The head is painted over them afterwards. */
export function paintEars(canvas: Canvas, scene: Scene, hair: (x: number, y: number) => number) {
  const { head, person, light, noise } = scene;
  const { shape } = person;
  const colour: Colour = [0, 0, 0];
  for (const side of [-1, 1]) {
    const turned = Math.sin(head.pose.yaw) * -side;
    const halfWidth = (0.1 + 0.16 * Math.max(0, turned)) * shape.ear;
    const halfHeight = 0.235 * shape.ear;
    const [cx, cy] = head.place(side * (shape.cheek + 0.012), 0.15, -0.02);
    const [mx, my] = head.upright(cx, cy);
    const reach = 0.35 * head.scale;
    const limit = canvas.side - 1;
    for (let py = Math.max(0, Math.floor(cy - reach)); py <= Math.min(limit, cy + reach); py++) {
      for (let px = Math.max(0, Math.floor(cx - reach)); px <= Math.min(limit, cx + reach); px++) {
        const [x, y] = head.upright(px + 0.5, py + 0.5);
        const ey = (y - my) / halfHeight;
        const ex = ((x - mx) * side) / halfWidth - 0.18 * -ey;
        const r = Math.hypot(ex * (1 + 0.3 * ey), ey);
        const cover = clamp01((1 - r) * halfWidth * head.scale + 0.5);
        if (cover <= 0) continue;
        const rim = bell((r - 0.86) / 0.1);
        const furrow = bell((r - 0.66) / 0.1) * (ey < 0.5 ? 1 : 0);
        const shell = bell(Math.hypot(ex + 0.25, (ey - 0.12) * 1.1) / 0.3);
        const skin = plainSkin(person, noise, x, y, 0.5 + 0.7 * person.skin.flush);
        const normal: Vector = [side * (0.35 + 0.4 * ex * r), 0.5 * ey * r, 0.8];
        const length = Math.hypot(...normal);
        for (let c = 0; c < 3; c++) normal[c] /= length;
        const taken = hair(px, py);
        const open = (0.85 - 0.55 * shell - 0.3 * furrow + 0.1 * rim) * (1 - 0.4 * taken);
        const lit = (1 - 0.7 * shell - 0.35 * furrow) * (1 - 0.8 * taken);
        shade(light, skin, normal, Math.max(0.1, open), Math.max(0, lit), 0.05 * rim, true, colour);
        canvas.blend((py * canvas.side + px) * 4, colour[0], colour[1], colour[2], cover);
      }
    }
  }
}

/** The cloth's own colour at a point of the body. */
function weave(clothes: Clothes, scene: Scene, x: number, y: number): Colour {
  const { noise } = scene;
  const { colour, second } = clothes;
  const threads = 1 + 0.1 * noise.at(x * 70, y * 70) + 0.08 * noise.at(x * 31, y * 95);
  if (clothes.weave === 'stripes') {
    return scaled(mix(colour, second, step(0.2, 0.35, Math.sin(y * 42 + 3 * x * x))), threads);
  }
  if (clothes.weave === 'check') {
    const across = step(-0.1, 0.1, Math.sin(x * 27 + 0.5)) * 0.5;
    const along = step(-0.1, 0.1, Math.sin(y * 27)) * 0.5;
    return scaled(mix(colour, second, across + along), threads);
  }
  if (clothes.weave === 'knit') {
    const rows = Math.abs(Math.sin(x * 62 + 0.9 * Math.sin(y * 95)));
    return scaled(colour, threads * (0.72 + 0.4 * rows));
  }
  return scaled(colour, threads);
}

/** Neck, shoulders and clothes, upright whatever the head's tilt. */
export function paintBody(canvas: Canvas, scene: Scene, clothes: Clothes): void {
  const { head, person, light, noise } = scene;
  const { shape } = person;
  const { side } = canvas;
  const scale = head.scale;
  const pixel = 1 / scale;
  const [chinX, chinY] = head.project(0, shape.chin - 0.06);
  const middle = head.pose.x * side + 0.25 * (chinX - head.pose.x * side);
  const origin = head.pose.y * side;
  const chin = (chinY - origin) / scale;
  const neck = shape.neck;
  const sleeve = 1.3;
  const base = { crew: 1.36, vee: 1.34, collar: 1.3, high: 1.14 }[clothes.neckline];
  const dip = { crew: 0.12, vee: 0.5, collar: 0.26, high: 0.06 }[clothes.neckline];
  const pointed = clothes.neckline === 'vee' || clothes.neckline === 'collar';
  const high = clothes.neckline === 'high';
  const colour: Colour = [0, 0, 0];
  const tilt = Math.sin(head.pose.yaw) * 0.15;
  for (let py = Math.max(0, Math.floor(origin + 0.45 * scale)); py < side; py++) {
    const y = (py + 0.5 - origin) / scale;
    // The neck widens into the shoulders.
    const neckHalf = neck * (1 + 0.09 * (y - 1) ** 2) + 0.22 * Math.max(0, y - 1.18) ** 1.5;
    for (let px = 0; px < side; px++) {
      const x = (px + 0.5 - middle) / scale;
      const a = Math.abs(x);
      const shoulder = sleeve + 0.3 * Math.max(0, a - neck) + 0.18 * Math.max(0, a - neck) ** 2;
      const within = Math.max((neckHalf - a) * scale, (y - shoulder) * scale);
      const cover = clamp01(within + 0.5);
      if (cover <= 0) continue;
      const opening = neck + (high ? 0.03 : 0.1);
      const inner = Math.max(0, 1 - a / opening);
      const cloth = base + dip * (pointed ? inner : Math.sqrt(Math.max(0, 1 - (a / opening) ** 2)));
      const slack = high ? 0 : 0.02 * noise.at(x * 4, 2.2);
      const covered = step(cloth - pixel, cloth + pixel, y + slack);
      const under = y - chin + 0.05 - 0.55 * x * x;
      const cast = 1 - 0.85 * (1 - step(0.0, 0.3 + 0.25 * Math.max(0, -light.key[1]), under));
      if (covered < 1) {
        const round = Math.max(-0.97, Math.min(0.97, x / Math.max(neckHalf, 0.3)));
        const cord =
          bell((a - 0.17 - 0.5 * (1.4 - y)) / 0.06) * 0.3 * Math.sign(x) * step(1, 1.2, y);
        const pit = bell(Math.hypot(x * 1.2, y - 1.5) / 0.07);
        const nx = round * 0.9 + cord + tilt * 0.3;
        const normal: Vector = [nx, 0.12, Math.sqrt(Math.max(0.05, 1 - nx * nx))];
        const skin = plainSkin(person, noise, x, y, 0.25 * person.skin.flush);
        const open = (0.45 + 0.5 * cast) * (1 - 0.3 * pit);
        shade(light, skin, normal, open, cast, 0.03, true, colour);
        // Cloth shades the skin along its edge.
        const near = 0.6 + 0.4 * step(0, 0.07, cloth - y);
        for (let c = 0; c < 3; c++) colour[c] *= near;
        const at = (py * side + px) * 4;
        canvas.blend(at, colour[0], colour[1], colour[2], cover);
      }
      if (covered > 0) {
        const fold = noise.octaves(x * 2.4 + 5, y * 1.6 + x, 3) * clothes.folds;
        const foldY = noise.octaves(x * 2.4 + 5.2, y * 1.6 + x + 0.2, 3) * clothes.folds;
        const nx = Math.max(-0.9, Math.min(0.9, x * 0.45 + (fold - foldY) * 1.1));
        const ny = -0.35 + fold * 0.5;
        const normal: Vector = [nx, ny, 0.8];
        const length = Math.hypot(...normal);
        for (let c = 0; c < 3; c++) normal[c] /= length;
        const hem = (y + slack - cloth) / (pointed ? 0.11 : 0.06);
        const band = hem < 1 && a < opening + 0.05 ? 1 - 0.35 * bell((hem - 0.95) / 0.09) : 1;
        const flap = clothes.neckline === 'collar' ? collar(x, y, opening, cloth) : 1;
        const shadow = high ? 0.35 + 0.65 * cast : 0.5 + 0.5 * cast;
        const own = weave(clothes, scene, x, y);
        shade(light, own, normal, 0.75 + 0.3 * fold, shadow, 0.01, false, colour);
        const all = band * flap;
        const at = (py * side + px) * 4;
        canvas.blend(at, colour[0] * all, colour[1] * all, colour[2] * all, covered * cover);
      }
    }
  }
}

/** The lines that a shirt's collar leaves: its lower edge, and the buttoned front. */
function collar(x: number, y: number, opening: number, cloth: number): number {
  const a = Math.abs(x);
  const lower = cloth + 0.13 + 0.06 * (1 - a / opening);
  const edge = a < opening + 0.06 ? bell((y - lower) / 0.014) : 0;
  const below = a < opening + 0.06 ? bell((y - lower - 0.03) / 0.03) * (y > lower ? 1 : 0) : 0;
  const front = y > cloth ? bell(x / 0.008) * 0.5 : 0;
  return 1 - 0.5 * edge - 0.25 * below - 0.5 * front;
}
