/** Pictures of what was found, as files and for a report (Node only). */
import { basename, join } from 'node:path';
import type { FacePictures } from '../../src/detect/finding.ts';
import {
  camPicture,
  dissimilarityPicture,
  findingPanel,
  maskOverlay,
  wholePicture,
} from '../../src/detect/pictures.ts';
import type { CasePictures } from '../../src/detect/report/case.ts';
import { encodeJpeg } from '../../src/image/codecs.ts';
import { paint } from '../../src/image/paint.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { contactPicture, type FoundFace } from '../../src/measure/report/sheet.ts';
import { drawPng } from '../files/drawing.ts';
import { encodePng } from '../files/image.ts';
import { writeFileWhole } from '../system/write-file.ts';
import type { Looked, LookedFace } from './detect-files.ts';

export interface PictureOptions {
  /** Side of the network's masks. */
  size: number;
  /** The probability from which a mask's pixel is called altered. */
  from: number;
  /** The folder that pictures are written to; it is there. */
  out?: string;
  /** Whether the pictures for a report are wanted. */
  report: boolean;
  /** Receives each face as the contact sheet shows it. */
  onFace: (face: FoundFace) => void;
}

/** JPEG's quality in a report: its size is what limits how many faces a page can hold. */
const quality = 88;

/**
 * Draws the pictures of a file's faces; writes them where there is a folder, and puts their names into
 * its finding.
 * @returns the pictures for a report, where they are wanted and there are any
 * @throws LlsmError naming a file that cannot be written
 */
export async function drawPictures(
  looked: Looked,
  options: PictureOptions,
): Promise<CasePictures | undefined> {
  const { source, finding, faces } = looked;
  const panels: (Uint8Array | undefined)[] = [];
  for (const [k, face] of faces.entries()) {
    const panel = await panelOf(face, basename(source.path), options);
    if (panel && options.out !== undefined) {
      const stem = k === 0 ? source.stem : `${source.stem}.face${k + 1}`;
      const pictures = await save(face, panel, join(options.out, stem), options);
      finding.faces[k] = { ...finding.faces[k], pictures };
    }
    panels.push(panel && options.report ? await encodeJpeg(panel, quality) : undefined);
    passOn(face, basename(source.path), options);
  }
  if (!options.report) return undefined;
  const seen = faces.flatMap(({ shown, detection }) =>
    shown ? [{ shown, mask: detection?.mask }] : [],
  );
  if (seen.length === 0) return undefined;
  const whole = await paint(wholePicture(seen, options.size, options.from));
  return { whole: await encodeJpeg(whole, quality), faces: panels };
}

async function panelOf(
  { shown, detection, finding }: LookedFace,
  name: string,
  { size, from }: PictureOptions,
): Promise<RgbImage | undefined> {
  const { probability, verdict, note } = finding;
  if (!shown || !detection || probability === null) return undefined;
  const text = { name, verdict: `${probability.toFixed(3)} ${verdict}`, note: note ?? undefined };
  return paint(findingPanel(shown, detection, { ...text, size, from }));
}

/** Writes the pictures of a face. @returns their names */
async function save(
  { shown, detection }: LookedFace,
  panel: RgbImage,
  stem: string,
  { size, from }: PictureOptions,
): Promise<FacePictures> {
  const pictures: FacePictures = {};
  const write = (what: keyof FacePictures, png: Uint8Array) => {
    const path = `${stem}.${what}.png`;
    writeFileWhole(path, [png]);
    pictures[what] = basename(path);
  };
  if (shown && detection) {
    const { mask, dissimilarity, cam } = detection;
    if (mask) write('overlay', encodePng(maskOverlay(shown, mask, size, from)));
    if (dissimilarity) {
      write('dissimilarity', await drawPng(dissimilarityPicture(dissimilarity)));
    }
    if (cam) write('cam', await drawPng(camPicture(shown, cam)));
  }
  write('panel', encodePng(panel));
  return pictures;
}

function passOn(
  { shown, detection, finding }: LookedFace,
  name: string,
  { onFace }: PictureOptions,
): void {
  const { probability, verdict } = finding;
  if (!shown || !detection || probability === null) return;
  const image = contactPicture(shown.photo, detection.mask, shown.box);
  onFace({ name, verdict, probability, image });
}
