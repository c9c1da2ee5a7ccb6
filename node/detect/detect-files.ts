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
import { resize } from '../../src/image/pixels.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { contactPicture, type FoundFace } from '../../src/measure/report/sheet.ts';
import type { Threshold } from '../../src/model/llsm/checkpoint.ts';
import { encodePng, picturesIn, readImage } from '../files/image.ts';
import { writeFileWhole } from '../system/write-file.ts';

/** A picture to look at, or why there is none. */
export interface Source {
  path: string;
  /** Name of its pictures, without the ending; unlike any other source's. */
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

/** Result for one picture. Paths of pictures are relative to the folder of results. */
export interface Result {
  file: string;
  /** Reason why the picture has no verdict; absent where it has one. */
  error?: string;
  probability?: number;
  forged?: boolean;
  verdict?: string;
  /** Part of the face crop that the mask marks, 0 to 1. */
  alteredShare?: number;
  overlay?: string;
  dissimilarity?: string;
  panel?: string;
}

export interface DetectOptions {
  faces: FacePlace;
  threshold?: Threshold;
  /** The folder for the pictures; it is there. */
  out?: string;
  /** Callback for each result, in the order of the sources. */
  onResult: (result: Result) => void;
  /** Callback for each face as the contact sheet shows it; called where `out` is given. */
  onFace?: (face: FoundFace) => void;
}

/** A picture that was looked at: what the network says of its face, or why nothing is said. */
interface Looked {
  source: Source;
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

/** Detects in each picture, in order; the next ones are read while the GPU works. */
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
  const read = (source: Source) => load(source, detector.size, options);
  for await (const loaded of ahead(sources, detector.batch + 1, read)) {
    pending.push(loaded);
    if (pending.filter(({ face }) => face).length === detector.batch) yield* await detected();
  }
  yield* await detected();
}

/** Keeps of a picture what the network and the pictures need, which is little of a large one. */
async function load(source: Source, size: number, options: DetectOptions): Promise<Loaded> {
  if (source.error !== undefined) return { source, error: source.error };
  try {
    const image = await readImage(source.path);
    const box = faceBox(image.width, image.height, options.faces);
    const [width, height] = [Math.floor(box[2]), Math.floor(box[3])];
    if (Math.min(width, height) < 32) {
      const problem = `its face crop has only ${width} x ${height} pixels (32 is the least)`;
      return { source, error: `${source.path}: ${problem}` };
    }
    const face = resize(image, size, size, box);
    return { source, face, shown: options.out === undefined ? undefined : shown(image, box) };
  } catch (error) {
    if (error instanceof LlsmError) return { source, error: error.message };
    throw error;
  }
}

/** Makes a picture's result, in words and numbers. */
function decide({ source, detection, error }: Looked, threshold?: Threshold): Result {
  if (!detection) return { file: source.path, error };
  const { probability, mask } = detection;
  const forged = isForged(probability, threshold);
  const verdict = verdictInWords(forged);
  const result: Result = { file: source.path, probability, forged, verdict };
  if (mask) result.alteredShare = alteredShare(mask, threshold);
  return result;
}

/**
 * Writes the pictures of a result where there is a folder for them.
 * @returns the result with their names
 */
function write(
  { source, shown: view, detection }: Looked,
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
    const name = `${source.stem}.${what}.png`;
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

/** results.csv (RFC 4180): a line a picture. */
export function toCsv(results: readonly Result[], threshold?: Threshold): string {
  const value = threshold?.value ?? uncalibrated;
  const rows = results.map((r) => [
    ...[r.file, r.probability, r.verdict, r.error === undefined ? value : undefined],
    ...[r.alteredShare, r.overlay, r.dissimilarity, r.panel, r.error],
  ]);
  const head = 'file,probability,verdict,threshold,altered share,overlay,dissimilarity,panel,error';
  return [head, ...rows.map((row) => row.map(quoted).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');
}

function quoted(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
