/** The detector on image files: what is looked at, and what is written of it (Node only). */
import { statSync } from 'node:fs';
import { basename, extname, join, resolve, sep } from 'node:path';
import { LlsmError, messageOf } from '../../src/base/errors.ts';
import type { Detection, Detector } from '../../src/detect/detector.ts';
import {
  findingPanel,
  maskOverlay,
  type Shown,
  shown,
  similarityFigure,
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
  /** What its pictures are called, without the ending; unlike any other source's. */
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

/** What is said of one picture. Paths of pictures are relative to the folder of results. */
export interface Result {
  file: string;
  /** Why nothing is said. */
  error?: string;
  probability?: number;
  forged?: boolean;
  verdict?: string;
  /** Part of the face crop that the mask marks, 0 to 1. */
  alteredShare?: number;
  overlay?: string;
  similarity?: string;
  panel?: string;
}

export interface DetectOptions {
  faces: FacePlace;
  threshold?: Threshold;
  /** The folder for the pictures; it is there. */
  out?: string;
  /** Told of each result, in the order of the sources. */
  onResult: (result: Result) => void;
  /** Where there is `out`: told of each face, as the contact sheet shows it. */
  onFace?: (face: FoundFace) => void;
}

interface Loaded {
  source: Source;
  face?: RgbImage;
  shown?: Shown;
  error?: string;
}

/**
 * Looks at the pictures, a batch at a time. One that cannot be read does not stop the rest.
 * @throws LlsmError where a picture cannot be written, or the GPU failed
 */
export async function detectFiles(
  detector: Detector,
  sources: readonly Source[],
  options: DetectOptions,
): Promise<void> {
  let pending: Loaded[] = [];
  const flush = async () => {
    const faces = pending.flatMap(({ face }) => (face ? [face] : []));
    const detections = await detector.detect(faces);
    for (const item of pending) {
      const detection = item.face && (detections.shift() as Detection);
      options.onResult(detection ? finish(item, detection, detector.size, options) : failed(item));
    }
    pending = [];
  };
  for (const source of sources) {
    pending.push(await load(source, detector.size, options));
    if (pending.filter(({ face }) => face).length === detector.batch) await flush();
  }
  await flush();
}

const failed = ({ source, error }: Loaded): Result => ({ file: source.path, error });

/** Keeps of a picture what the network and the figures need, which is little of a large one. */
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

function finish(
  { source, shown: view }: Loaded,
  detection: Detection,
  size: number,
  { threshold, out, onFace }: DetectOptions,
): Result {
  const { probability, mask, similarity } = detection;
  const forged = isForged(probability, threshold);
  const verdict = verdictInWords(forged);
  const result: Result = { file: source.path, probability, forged, verdict };
  if (mask) result.alteredShare = alteredShare(mask, threshold);
  if (out === undefined || !view) return result;
  const write = (what: string, image: RgbImage): string => {
    const name = `${source.stem}.${what}.png`;
    writeFileWhole(join(out, name), [encodePng(image)]);
    return name;
  };
  if (mask) result.overlay = write('overlay', maskOverlay(view, mask, size));
  if (similarity) result.similarity = write('similarity', similarityFigure(similarity));
  const title = { name: basename(source.path), verdict: `${probability.toFixed(3)} ${verdict}` };
  result.panel = write('panel', findingPanel(view, detection, { ...title, size }));
  const image = contactPicture(view.photo, mask, view.box);
  onFace?.({ name: basename(source.path), verdict, probability, image });
  return result;
}

/** results.csv (RFC 4180): a line a picture. */
export function toCsv(results: readonly Result[], threshold?: Threshold): string {
  const value = threshold?.value ?? uncalibrated;
  const rows = results.map((r) => [
    ...[r.file, r.probability, r.verdict, r.error === undefined ? value : undefined],
    ...[r.alteredShare, r.overlay, r.similarity, r.panel, r.error],
  ]);
  const head = 'file,probability,verdict,threshold,altered share,overlay,similarity,panel,error';
  return [head, ...rows.map((row) => row.map(quoted).join(','))]
    .map((line) => `${line}\r\n`)
    .join('');
}

function quoted(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
