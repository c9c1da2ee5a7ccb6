/** The detector on image files: what is looked at, and what is written of it (Node only). */
import { statSync } from 'node:fs';
import { basename, extname, join, resolve, sep } from 'node:path';
import { ahead } from '../../src/base/ahead.ts';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import type { Detection, Detector } from '../../src/detect/detector.ts';
import {
  dissimilarityPicture,
  findingPanel,
  maskOverlay,
  type Shown,
  shown,
} from '../../src/detect/finding.ts';
import { alteredShare, isForged, uncalibrated, verdictInWords } from '../../src/detect/verdict.ts';
import { type FacePlace, faceBox } from '../../src/faces/crops.ts';
import {
  cutMirrored,
  type FaceFinder,
  type FoundFace,
  faceSquare,
  type Point,
} from '../../src/faces/place.ts';
import type { Box } from '../../src/image/pixels.ts';
import { resize } from '../../src/image/resample.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { contactPicture, type FoundFace as SheetFace } from '../../src/measure/report/sheet.ts';
import type { Threshold } from '../../src/model/llsm/checkpoint.ts';
import { encodePng, picturesIn, readImage } from '../files/image.ts';
import { writeFileWhole } from '../system/write-file.ts';

/** A picture to look at, or why there is none. */
export interface Source {
  path: string;
  /** The name of its pictures without the ending; unlike any other source's. */
  stem: string;
  error?: string;
}

/**
 * The files named, and the pictures under the folders named, sorted and each once. Hidden files and
 * what lies under `out` are left out.
 */
export function listSources(paths: readonly string[], out?: string): Source[] {
  const sources: Source[] = [];
  const seen = new Set<string>();
  const stems = new Set<string>();
  const add = (path: string, name: string, error?: string) => {
    if (seen.has(resolve(path))) return;
    seen.add(resolve(path));
    const plain = name.slice(0, name.length - extname(name).length).replaceAll('/', '__');
    let stem = plain;
    for (let n = 2; stems.has(stem.toLowerCase()); n++) stem = `${plain}-${n}`;
    stems.add(stem.toLowerCase());
    sources.push({ path, stem, ...(error !== undefined && { error }) });
  };
  const written = out === undefined ? undefined : resolve(out) + sep;
  for (const path of paths) {
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
      add(path, basename(path));
      continue;
    }
    let found: string[];
    try {
      found = picturesIn(path).filter(
        (name) => !written || !resolve(path, name).startsWith(written),
      );
    } catch (error) {
      add(path, basename(resolve(path)), messageOf(error));
      continue;
    }
    if (found.length === 0) {
      add(path, basename(resolve(path)), `${path} holds no JPEG, PNG or WebP pictures.`);
    }
    for (const name of found) add(join(path, name), name);
  }
  return sources;
}

/**
 * What is said of one face, or of a picture without one. Paths of pictures are relative to the folder
 * of results.
 */
export interface Result {
  file: string;
  /** The box that a finder found, in pixels of the picture. */
  box?: Box;
  /** Right eye, left eye, nose, right and left corner of the mouth. */
  landmarks?: Point[];
  /** Who found it, and how sure it is. */
  finder?: { name: string; score: number };
  /** A note on what else there is to know, such as that the face is small. */
  note?: string;
  /** Why nothing is said. */
  error?: string;
  probability?: number;
  forged?: boolean;
  /** `no face found` and `face too small` come without a probability. */
  verdict?: string;
  /** Part of the face crop that the mask marks, 0 to 1. */
  alteredShare?: number;
  overlay?: string;
  dissimilarity?: string;
  panel?: string;
}

export interface DetectOptions {
  /** The place of faces: by geometry, or as a finder says. */
  faces: FacePlace | FaceFinder;
  threshold?: Threshold;
  /** The folder for the pictures; it is there. */
  out?: string;
  /** Told of each result, in the order of the sources. */
  onResult: (result: Result) => void;
  /** Receives each face as the contact sheet shows it, where there is `out`. */
  onFace?: (face: SheetFace) => void;
}

/** A face that was looked at: what the network says of it, or why nothing is said. */
interface Looked {
  source: Source;
  /** The name of its pictures without the ending. */
  stem: string;
  /** What is known of the face before the network sees it. */
  known?: Partial<Result>;
  shown?: Shown;
  detection?: Detection;
  error?: string;
}

interface Loaded extends Looked {
  face?: RgbImage;
}

/**
 * Looks at the pictures, a batch at a time, and writes what is asked for. One that cannot be read
 * does not stop the rest.
 * @throws LlsmError where a picture cannot be written, or the GPU failed
 */
export async function detectFiles(
  detector: Detector,
  sources: readonly Source[],
  options: DetectOptions,
): Promise<void> {
  for await (const looked of look(detector, sources, options)) {
    const result = decide(looked, options.threshold);
    options.onResult(write(looked, result, detector.size, options));
  }
}

/** What the network says of each picture, in order; the next ones are read while the GPU works. */
async function* look(
  detector: Detector,
  sources: readonly Source[],
  options: DetectOptions,
): AsyncGenerator<Looked> {
  let pending: Loaded[] = [];
  const detected = async (): Promise<Looked[]> => {
    const faces = pending.flatMap(({ face }) => (face ? [face] : []));
    const detections = await detector.detect(faces);
    const looked = pending.map(({ face, ...rest }) =>
      face ? { ...rest, detection: detections.shift() } : rest,
    );
    pending = [];
    return looked;
  };
  const read = (source: Source) => load(source, detector, options);
  for await (const faces of ahead(sources, detector.batch + 1, read)) {
    for (const loaded of faces) {
      pending.push(loaded);
      if (pending.filter(({ face }) => face).length === detector.batch) yield* await detected();
    }
  }
  yield* await detected();
}

/** The least side of a face crop, in pixels. */
const leastSide = 32;

/** What the network expects of a face crop. */
type Expected = Pick<Detector, 'size' | 'cropScale'>;

/** The faces of a picture. Keeps what the network and the figures need, which is little of a large one. */
async function load(source: Source, expected: Expected, options: DetectOptions): Promise<Loaded[]> {
  const { size } = expected;
  const { stem, path, error } = source;
  if (error !== undefined) return [{ source, stem, error }];
  try {
    const image = await readImage(path);
    const { faces } = options;
    if (typeof faces === 'object' && 'find' in faces) {
      const found = await faces.find(image);
      if (found.length === 0) return [{ source, stem, known: { verdict: 'no face found' } }];
      return found.map((face, i) => {
        const own = i === 0 ? stem : `${stem}.face${i + 1}`;
        return ofFound(source, own, image, face, faces.name, expected, options);
      });
    }
    const box = faceBox(image.width, image.height, faces);
    const [width, height] = [Math.floor(box[2]), Math.floor(box[3])];
    if (Math.min(width, height) < leastSide) {
      const problem = `its face crop has only ${width} x ${height} pixels (${leastSide} is the least)`;
      return [{ source, stem, error: `${path}: ${problem}` }];
    }
    const face = resize(image, size, size, box);
    return [
      { source, stem, face, shown: options.out === undefined ? undefined : shown(image, box) },
    ];
  } catch (error) {
    if (error instanceof LlsmError) return [{ source, stem, error: error.message }];
    throw error;
  }
}

/** A face that a finder found, as its crop; one that is too small is told instead. */
function ofFound(
  source: Source,
  stem: string,
  image: RgbImage,
  { box, score, landmarks }: FoundFace,
  name: string,
  { size, cropScale }: Expected,
  { out }: DetectOptions,
): Loaded {
  const known: Partial<Result> = { box, landmarks, finder: { name, score } };
  const square = faceSquare(box, cropScale);
  const [, , side] = square;
  if (side < leastSide) {
    const note = `its crop would have ${side} x ${side} pixels (${leastSide} is the least)`;
    return { source, stem, known: { ...known, verdict: 'face too small', note } };
  }
  if (side * 2 <= size)
    known.note = `a small face: ${side} pixels, where the network takes ${size}`;
  return {
    source,
    stem,
    known,
    face: resize(cutMirrored(image, square), size, size),
    shown: out === undefined ? undefined : shown(image, square),
  };
}

/** What is said of one face, in words and numbers. */
function decide({ source, known, detection, error }: Looked, threshold?: Threshold): Result {
  if (!detection) return { file: source.path, ...known, ...(error !== undefined && { error }) };
  const { probability, mask } = detection;
  const forged = isForged(probability, threshold);
  const verdict = verdictInWords(forged);
  const result: Result = { file: source.path, ...known, probability, forged, verdict };
  if (mask) result.alteredShare = alteredShare(mask, threshold);
  return result;
}

/**
 * Writes the pictures of a result where there is a folder for them.
 * @returns the result with their names
 */
function write(
  { source, stem, shown: view, detection }: Looked,
  result: Result,
  size: number,
  { out, onFace }: DetectOptions,
): Result {
  const { probability, verdict } = result;
  if (out === undefined || !view || !detection || probability === undefined || !verdict) {
    return result;
  }
  const { mask, dissimilarity } = detection;
  const save = (what: string, image: RgbImage): string => {
    const name = `${stem}.${what}.png`;
    writeFileWhole(join(out, name), [encodePng(image)]);
    return name;
  };
  const pictures: Partial<Result> = {};
  if (mask) pictures.overlay = save('overlay', maskOverlay(view, mask, size));
  if (dissimilarity) {
    pictures.dissimilarity = save('dissimilarity', dissimilarityPicture(dissimilarity));
  }
  const name = basename(source.path);
  const title = { name, verdict: `${probability.toFixed(3)} ${verdict}` };
  pictures.panel = save('panel', findingPanel(view, detection, { ...title, size }));
  onFace?.({ name, verdict, probability, image: contactPicture(view.photo, mask, view.box) });
  return { ...result, ...pictures };
}

/** results.csv (RFC 4180): a line a face, or a picture without one. */
export function toCsv(results: readonly Result[], threshold?: Threshold): string {
  const value = threshold?.value ?? uncalibrated;
  const rows = results.map((r) => [
    ...[r.file, ...(r.box?.map(Math.round) ?? ['', '', '', ''])],
    ...[r.probability, r.verdict, r.probability === undefined ? undefined : value],
    ...[r.alteredShare, r.overlay, r.dissimilarity, r.panel, r.note, r.error],
  ]);
  const head =
    'file,x,y,width,height,probability,verdict,threshold,altered share,overlay,dissimilarity,panel,note,error';
  return [head, ...rows.map((row) => row.map(quoted).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');
}

function quoted(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
