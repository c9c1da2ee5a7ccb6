/** The report on the picture that is looked at: that of `llsm detect --report`, its pictures drawn by the browser. */
import { version } from '../src/base/version.ts';
import type { Finding } from '../src/detect/finding.ts';
import type { Cam } from '../src/detect/gradcam.ts';
import {
  findingPanel,
  type Shown as Photographed,
  shown,
  wholePicture,
} from '../src/detect/pictures.ts';
import { madeNow, networkFacts } from '../src/detect/report/about.ts';
import { type CasePictures, caseReport } from '../src/detect/report/case.ts';
import { maskThreshold, uncalibrated } from '../src/detect/verdict.ts';
import { viewNames } from '../src/detect/views.ts';
import type { Drawing } from '../src/image/layout.ts';
import type { Box } from '../src/image/pixels.ts';
import type { RgbImage } from '../src/image/rgb.ts';
import modelCard from '../weights/README.md';
import type { About, ToldFace } from './engine.worker.ts';
import { rgbOf } from './pixels.ts';
import type { Shown } from './stage.ts';

/** What a report is made of. */
export interface Reported {
  shown: Shown;
  faces: readonly ToldFace[];
  finding: Finding;
  about: About;
  /** The reader's. */
  threshold: number;
  /** A face's Grad-CAM, where the reader has had it computed. */
  camOf(face: ToldFace): Cam | undefined;
}

/** As in Node. */
const quality = 0.88;

function canvasOf(width: number, height: number): [HTMLCanvasElement, CanvasRenderingContext2D] {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width, height });
  return [canvas, canvas.getContext('2d') as CanvasRenderingContext2D];
}

function pixelsOf(bitmap: ImageBitmap): RgbImage {
  const { width, height } = bitmap;
  const [, context] = canvasOf(width, height);
  context.drawImage(bitmap, 0, 0);
  return rgbOf(context, width, height);
}

function imageData({ width, height, data }: RgbImage): ImageData {
  const pixels = new ImageData(width, height);
  pixels.data.fill(255);
  for (let from = 0, to = 0; from < data.length; from += 3, to += 4) {
    pixels.data.set(data.subarray(from, from + 3), to);
  }
  return pixels;
}

/** A drawing as a JPEG file: its pictures on white, and the browser's own text over them. */
async function jpegOf({ width, height, pictures, svg }: Drawing): Promise<Uint8Array> {
  const [canvas, context] = canvasOf(width, height);
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  for (const { image, x, y } of pictures) context.putImageData(imageData(image), x, y);
  const text = new Image();
  const url = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
  try {
    text.src = url;
    await text.decode();
    context.drawImage(text, 0, 0);
  } finally {
    URL.revokeObjectURL(url);
  }
  const made = await new Promise<Blob | null>((done) => {
    canvas.toBlob(done, 'image/jpeg', quality);
  });
  if (!made) throw new Error('the browser could not make a JPEG file of a picture');
  return new Uint8Array(await made.arrayBuffer());
}

async function picturesOf(reported: Reported): Promise<CasePictures> {
  const { shown: picture, faces, finding, about, camOf } = reported;
  const from = maskThreshold(about.threshold ?? undefined);
  const { size } = about.config;
  const photo = pixelsOf(picture.bitmap);
  const seen: { shown: Photographed; mask: Float32Array | undefined }[] = [];
  const panels: (Uint8Array | undefined)[] = [];
  for (const [k, face] of faces.entries()) {
    const { probability, verdict, note } = finding.faces[k];
    if (probability === null) {
      panels.push(undefined);
      continue;
    }
    const [mask, dissimilarity] = [face.mask ?? undefined, face.dissimilarity ?? undefined];
    const view = shown(photo, face.square.map((value) => value * picture.scale) as Box);
    seen.push({ shown: view, mask });
    const said = `${probability.toFixed(3)} ${verdict}`;
    const text = { name: finding.file, verdict: said, note: note ?? undefined, size, from };
    const maps = { mask, dissimilarity, cam: camOf(face) };
    panels.push(await jpegOf(findingPanel(view, maps, text)));
  }
  if (seen.length === 0) return { faces: panels };
  return { whole: await jpegOf(wholePicture(seen, size, from)), faces: panels };
}

/** The report as a whole HTML document; its finding is judged at the reader's threshold. */
export async function htmlReport(reported: Reported): Promise<string> {
  const { finding, about, threshold, faces, camOf } = reported;
  const own = about.threshold ?? undefined;
  const taps = new Set(faces.map((face) => camOf(face)?.tap).filter((tap) => tap !== undefined));
  return caseReport([finding], [await picturesOf(reported)], {
    ...{ made: madeNow(), version, adapter: about.adapter, threshold: own },
    setThreshold: threshold === (own?.value ?? uncalibrated) ? undefined : threshold,
    weights: {
      name: about.weights ?? 'llsm.safetensors, which comes with the page',
      sha256: about.sha256 ?? 'not known',
      facts: networkFacts(about.config),
      // As in Node: the card tells of one file, which it names by its hash.
      ...(about.sha256 && modelCard.includes(about.sha256) && { card: modelCard.trim() }),
    },
    settings: [
      ['Made in', 'a browser, by the page of llsm'],
      ['Views', viewNames.join(', ')],
      ...[...taps].map((tap) => ['Grad-CAM at', tap] as const),
    ],
  });
}
