/** Faces to train on in the page: drawn here, or the reader's own. */
import { drawPerson } from '../lab/portraits/person.ts';
import { drawPortrait } from '../lab/portraits/portrait.ts';
import { LlsmError } from '../src/base/errors.ts';
import { Random } from '../src/base/random.ts';
import { bytesOf, hostOf } from '../src/detect/host.ts';
import type { ManifestItem } from '../src/faces/manifest.ts';
import { NetworkFinder } from '../src/faces/network-finder.ts';
import { frameOf } from '../src/forge/face.ts';
import type { Gpu } from '../src/gpu/device.ts';
import { decodeImage, encodeJpeg } from '../src/image/codecs.ts';

/** Pictures of each drawn person, their side, and the quality that they are kept at. */
const [shots, side, quality] = [2, 112, 95];
/** The part of the people whom the network is measured on and never trained on. */
const held = 0.25;
/** The least side of a face of the reader's own, and how many are taken. */
const [leastFace, mostFaces] = [80, 400];

export type Keep = (name: string, picture: Uint8Array) => Promise<void>;

interface Made {
  signal: AbortSignal;
  keep: Keep;
  onFace(done: number, total: number): void;
}

const real = { label: 0, mask: null, frame: 0, method: null, folder: '' } as const;

/** Draws people who do not exist. Equal seeds give equal people. */
export async function drawFaces(people: number, seed: number, made: Made): Promise<ManifestItem[]> {
  const faces: ManifestItem[] = [];
  const empty = { width: 0, height: 0, data: new Uint8ClampedArray() };
  for (let id = 0; id < people; id++) {
    const person = drawPerson(new Random(seed, 'portrait person', 0, id));
    for (let shot = 0; shot < shots; shot++) {
      made.signal.throwIfAborted();
      const drawn = drawPortrait(new Random(seed, 'portrait shot', shot, id), side, person);
      const name = `person-${id}-${shot}`;
      await made.keep(`${name}.jpg`, await encodeJpeg(drawn.image, quality));
      const { landmarks } = drawn;
      // Framed as a face detector's box is.
      const { x, y, halfWidth, halfHeight } = frameOf({ image: empty, landmarks });
      faces.push({
        ...real,
        ...{ image: `${name}.jpg`, video: name, dataset: 'portraits', landmarks },
        box: [x - halfWidth, y - halfHeight, 2 * halfWidth, 2 * halfHeight],
        people: [`person-${id}`],
        split: id < people * (1 - held) ? 'train' : 'val',
      });
      made.onFace(faces.length, people * shots);
    }
  }
  return faces;
}

/**
 * Finds the best face on each of the reader's pictures.
 * @throws LlsmError where fewer than eight have one that is large enough
 */
export async function ownFaces(
  gpu: Gpu,
  files: readonly File[],
  made: Made,
): Promise<ManifestItem[]> {
  const pictures = files
    .filter(({ name }) => /\.(jpe?g|png|webp)$/i.test(name))
    .slice(0, mostFaces);
  const host = hostOf();
  const weights = await bytesOf(host.finder, { signal: made.signal });
  const finder = await NetworkFinder.load(gpu, weights, 'the face finder');
  const faces: ManifestItem[] = [];
  try {
    for (const [k, file] of pictures.entries()) {
      made.signal.throwIfAborted();
      const bytes = await bytesOf(file);
      const found = await decodeImage(bytes, file.name)
        .then((image) => finder.find(image))
        .catch((error: unknown) => {
          // One broken picture among many is left out.
          if (error instanceof LlsmError) return [];
          throw error;
        });
      const face = found[0];
      if (face && Math.max(face.box[2], face.box[3]) >= leastFace) {
        const name = `own-${k}.${file.name.split('.').at(-1)?.toLowerCase()}`;
        await made.keep(name, bytes);
        const [a, b, c, d, e] = face.landmarks;
        faces.push({
          ...real,
          ...{ image: name, video: name, dataset: 'own', box: face.box },
          landmarks: [a, b, c, d, e],
          // Of an ordinary folder it is not known who is on a picture.
          people: [name],
          split: 'train',
        });
      }
      made.onFace(k + 1, pictures.length);
    }
  } finally {
    finder.dispose();
  }
  if (faces.length < 8) {
    throw new LlsmError(
      `${faces.length} of ${pictures.length} pictures have a face of ${leastFace} pixels or more; it takes 8 at least`,
    );
  }
  const first = Math.ceil(faces.length * (1 - held));
  return faces.map((face, k) => (k < first ? face : { ...face, split: 'val' }));
}
