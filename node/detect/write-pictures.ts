/** Pictures of what was found, as files (Node only). */
import { basename, join } from 'node:path';
import type { FacePictures } from '../../src/detect/finding.ts';
import { dissimilarityPicture, findingPanel, maskOverlay } from '../../src/detect/pictures.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { contactPicture, type FoundFace } from '../../src/measure/report/sheet.ts';
import { encodePng } from '../files/image.ts';
import { writeFileWhole } from '../system/write-file.ts';
import type { Looked, LookedFace } from './detect-files.ts';

/**
 * Writes the pictures of a file's faces, and puts their names into its finding.
 * @param size side of the network's masks
 * @param out the folder; it is there
 * @param onFace receives each face as the contact sheet shows it
 * @throws LlsmError naming a file that cannot be written
 */
export function writePictures(
  { source, finding, faces }: Looked,
  { size, out, onFace }: { size: number; out: string; onFace: (face: FoundFace) => void },
): void {
  const name = basename(source.path);
  faces.forEach((face, k) => {
    const stem = k === 0 ? source.stem : `${source.stem}.face${k + 1}`;
    const pictures = picturesOf(face, stem, { name, size, out, onFace });
    if (pictures) finding.faces[k] = { ...finding.faces[k], pictures };
  });
}

function picturesOf(
  { shown, detection, finding }: LookedFace,
  stem: string,
  to: { name: string; size: number; out: string; onFace: (face: FoundFace) => void },
): FacePictures | undefined {
  const { probability, verdict } = finding;
  if (!shown || !detection || probability === null) return undefined;
  const { name, size, out, onFace } = to;
  const { mask, dissimilarity } = detection;
  const save = (what: string, image: RgbImage): string => {
    const file = `${stem}.${what}.png`;
    writeFileWhole(join(out, file), [encodePng(image)]);
    return file;
  };
  const pictures: FacePictures = {};
  if (mask) pictures.overlay = save('overlay', maskOverlay(shown, mask, size));
  if (dissimilarity) {
    pictures.dissimilarity = save('dissimilarity', dissimilarityPicture(dissimilarity));
  }
  const title = { name, verdict: `${probability.toFixed(3)} ${verdict}` };
  pictures.panel = save('panel', findingPanel(shown, detection, { ...title, size }));
  onFace({ name, verdict, probability, image: contactPicture(shown.photo, mask, shown.box) });
  return pictures;
}
