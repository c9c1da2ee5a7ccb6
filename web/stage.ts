/** The picture with a button about each face. */
import type { Verdict } from '../src/detect/finding.ts';
import type { Box } from '../src/image/pixels.ts';
import { $, element, sized } from './dom.ts';

/** A picture as it is drawn, at most so large; boxes are in pixels of the whole one. */
export interface Shown {
  bitmap: ImageBitmap;
  /** Pixels of the bitmap for one of the picture. */
  scale: number;
}

/** Draws the picture and its faces. @param onChosen told the number of the face that was chosen */
export function drawStage(
  { bitmap, scale }: Shown,
  boxes: readonly (Box | null)[],
  onChosen: (k: number) => void,
): void {
  const stage = $('stage');
  const canvas = $<HTMLCanvasElement>('picture');
  sized(canvas, bitmap.width, bitmap.height).drawImage(bitmap, 0, 0);
  for (const old of stage.querySelectorAll('button')) old.remove();
  boxes.forEach((box, k) => {
    if (!box) return;
    const [x, y, w, h] = box.map((value) => value * scale);
    const button = element('button', { type: 'button' }, element('span'));
    const part = (value: number, of: number) => `${(100 * value) / of}%`;
    Object.assign(button.style, {
      left: part(x, bitmap.width),
      top: part(y, bitmap.height),
      width: part(w, bitmap.width),
      height: part(h, bitmap.height),
    });
    button.classList.toggle('low', y < 0.06 * bitmap.height);
    button.addEventListener('click', () => onChosen(k));
    stage.append(button);
  });
}

/** Says on each face's button what was found, and which one is chosen. */
export function labelFaces(verdicts: readonly (Verdict | null)[], chosen: number): void {
  const buttons = $('stage').querySelectorAll('button');
  buttons.forEach((button, k) => {
    const words = verdicts[k] ?? '…';
    const label = buttons.length > 1 ? `${k + 1}: ${words}` : words;
    (button.firstChild as HTMLElement).textContent = label;
    button.setAttribute('aria-label', `Face ${k + 1}: ${words}`);
    button.setAttribute('aria-pressed', String(k === chosen));
  });
}

/** The part of the picture that is a face crop, at a side in pixels; beyond the border it is empty. */
export function drawCrop(
  context: CanvasRenderingContext2D,
  { bitmap, scale }: Shown,
  square: Box,
  side: number,
): void {
  const [x, y, w, h] = square.map((value) => value * scale);
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, x, y, w, h, 0, 0, side, side);
}
