/** Where a face's score comes from: Grad-CAM at a feature map of the reader's choice, on both scales. */
import type { Config } from '../src/config/config.ts';
import { type Cam, fixedScale, ownScale } from '../src/detect/gradcam.ts';
import { fitted, inferno } from '../src/image/colours.ts';
import type { Box } from '../src/image/pixels.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import { $, element, score, sized } from './dom.ts';
import { tinted } from './mask.ts';
import { drawCrop, type Shown } from './stage.ts';

const side = 448;

const decoder = [
  ['d1', 'Decoder, its last map (d1)'],
  ['d3', 'Decoder, in the middle (d3)'],
  ['d5', 'Decoder, its first map, coarse (d5)'],
] as const;

const encoder = [
  ['e5', 'Encoder, its last map, coarse (e5)'],
  ['e4', 'Encoder, towards the end (e4)'],
  ['e3', 'Encoder, in the middle (e3)'],
  ['e1', 'Encoder, its first map, fine (e1)'],
] as const;

/** Feature maps to choose from, with their plain names: those that the network's logit depends on. */
export const camChoices = ({ flm, head }: Config): (readonly [tap: string, name: string])[] =>
  flm && head.source !== 'encoder' ? [...decoder, ...encoder] : [...encoder];

/** The face that is shown: where it is on the picture, and as the network saw it. */
interface CamFace {
  shown: Shown;
  square: Box;
  crop: RgbImage;
}

/** The part of the page with Grad-CAM; nothing is computed before the reader opens it. */
export class CamView {
  readonly #card = $<HTMLDetailsElement>('cam-card');
  readonly #choice = $<HTMLSelectElement>('cam-tap');
  #face: CamFace | undefined;
  /** Maps that have been computed, by face crop and feature map. */
  readonly #made = new WeakMap<RgbImage, Map<string, Cam>>();

  /** @param ask has a map computed */
  constructor(private readonly ask: (crop: RgbImage, tap: string) => Promise<Cam>) {
    this.#card.addEventListener('toggle', () => this.#update());
    this.#choice.addEventListener('change', () => this.#update());
  }

  /** Offers a network's feature maps; the choice stays where the network has it. */
  offer(config: Config): void {
    const before = this.#choice.value;
    const choices = camChoices(config);
    this.#choice.replaceChildren(
      ...choices.map(([value, name]) => element('option', { value }, name)),
    );
    if (choices.some(([tap]) => tap === before)) this.#choice.value = before;
  }

  /** Shows a face; none where there is none, or it is too small. */
  show(face: CamFace | undefined): void {
    if (face && this.#face?.crop === face.crop) return;
    this.#face = face;
    this.#card.hidden = !face;
    this.#update();
  }

  /** The map of a face at the feature map that is chosen, where it has been computed. */
  of(crop: RgbImage): Cam | undefined {
    return this.#made.get(crop)?.get(this.#choice.value);
  }

  async #update(): Promise<void> {
    const face = this.#face;
    if (!face || !this.#card.open) return;
    const { value: tap } = this.#choice;
    const known = this.of(face.crop);
    if (known) {
      draw(face, known);
      return;
    }
    $('cam-maps').hidden = true;
    $('cam-note').textContent = 'Computing it; at another feature map that takes a while …';
    const isCurrent = () => this.#face === face && this.#choice.value === tap;
    try {
      const cam = await this.ask(face.crop, tap);
      const made = this.#made.get(face.crop) ?? new Map<string, Cam>();
      this.#made.set(face.crop, made.set(tap, cam));
      if (isCurrent()) draw(face, cam);
    } catch (error) {
      if (isCurrent()) {
        $('cam-note').textContent = `It could not be computed: ${(error as Error).message}`;
      }
    }
  }
}

function draw({ shown, square }: CamFace, cam: Cam): void {
  const fixed = fixedScale(cam);
  const scales = { 'cam-fixed': fixed, 'cam-own': ownScale(cam) };
  for (const [id, values] of Object.entries(scales)) {
    const context = sized($<HTMLCanvasElement>(id), side, side);
    drawCrop(context, shown, square, side);
    const options = { palette: inferno, least: 0.45, alpha: 0.75 };
    context.drawImage(tinted(fitted(values, cam.side, side, side), side, options), 0, 0);
  }
  $('cam-note').textContent = inWords(cam, fixed);
  $('cam-maps').hidden = false;
}

/** What the fixed scale shows, for whoever cannot see it. */
function inWords({ side }: Cam, fixed: Float32Array): string {
  const most = fixed.reduce((best, value, k) => (value > fixed[best] ? k : best), 0);
  const mean = fixed.reduce((sum, value) => sum + value, 0) / fixed.length;
  const place = `row ${Math.floor(most / side) + 1}, column ${(most % side) + 1}`;
  return fixed[most] > 0
    ? `Of ${side} × ${side} places the one at ${place} says most: ${score(fixed[most])} on the fixed scale, ${score(mean)} in the mean.`
    : `None of ${side} × ${side} places speaks for a forgery.`;
}
