/** A line of a scan: a finding, and all that says where it comes from (Node only). */
import { z } from 'zod';
import { LlsmError } from '../../src/base/errors.ts';
import { problemsOf } from '../../src/base/problems.ts';
import { version } from '../../src/base/version.ts';
import type { Finding } from '../../src/detect/finding.ts';

/** A piece of work: a picture or a video. */
export interface ScanTask {
  /** A path; of a picture also a URL, where the worker allows it. */
  file: string;
}

/** What a verdict depends on besides the file: lines of two identities are never mixed up. */
export interface ScanIdentity {
  /** SHA-256 of the weights' file, in hexadecimal. */
  weights: string;
  /** How faces were found and seen, as one text. */
  settings: string;
}

/** Milliseconds that a file's stages took, waiting included where several files share the GPU. */
export interface ScanTimes {
  /** When the line was made, as an ISO 8601 text. */
  at: string;
  read: number;
  decode: number;
  find: number;
  judge: number;
}

/** What a hash is of: a file's bytes, or the picture that they are decoded to. */
export type HashKind = 'bytes' | 'pixels';

/** One file of a scan and what is said of it. */
export interface ScanLine extends Finding, ScanIdentity {
  /** The version of llsm. */
  version: string;
  /** The threshold of the verdict, and how it was chosen; null where no network was there to ask. */
  threshold: { value: number; rule: string } | null;
  /** The file's bytes, and when it was last changed, in milliseconds since 1970; null where unknown. */
  size: number | null;
  modified: number | null;
  /** SHA-256 of the decoded picture, in hexadecimal; null where nothing was decoded. */
  pixels: string | null;
  /** The picture's perceptual hash, 256 bits in hexadecimal; null where nothing was decoded. */
  print: string | null;
  /**
   * An earlier file whose finding this is, since its bytes are the same, or all pixels of the decoded
   * picture are; null where the file was looked at.
   */
  sameAs: { file: string; by: HashKind } | null;
  /**
   * An earlier file with nearly the same picture, and the bits of `print` that differ; null without
   * one. Its verdict is not taken over: an original and a forgery made of it may be such a pair.
   */
  copyOf: { file: string; bits: number } | null;
  /** How often the file was tried. */
  tries: number;
  times: ScanTimes;
}

/** A line of which nothing is said yet. */
export function emptyLine(
  file: string,
  kind: ScanLine['kind'],
  identity: ScanIdentity,
  threshold: ScanLine['threshold'],
): ScanLine {
  return {
    file,
    sha256: null,
    kind,
    faces: [],
    verdict: null,
    error: null,
    weights: identity.weights,
    settings: identity.settings,
    version,
    threshold,
    size: null,
    modified: null,
    pixels: null,
    print: null,
    sameAs: null,
    copyOf: null,
    tries: 1,
    times: { at: new Date().toISOString(), read: 0, decode: 0, find: 0, judge: 0 },
  };
}

/** The line on a file that has the bytes of another, from the other's line. */
export function lineOfSame(line: ScanLine, file: string): ScanLine {
  const message = line.error?.message.replaceAll(line.file, file);
  return {
    ...line,
    file,
    error: message === undefined ? null : { message },
    modified: null,
    sameAs: { file: line.sameAs?.file ?? line.file, by: line.sameAs?.by ?? 'bytes' },
    times: { ...line.times, at: new Date().toISOString() },
  };
}

/**
 * Whether a line is yet to be given the finding of another file: its picture is the same to the last
 * pixel, so that the finding is, too.
 */
export const isUnsaid = ({ verdict, error, pixels }: ScanLine): boolean =>
  verdict === null && error === null && pixels !== null;

/** The line on a file that has the pixels of another, with the other's finding. */
export function saidBy(
  { faces, verdict, print, threshold, ...other }: ScanLine,
  line: ScanLine,
): ScanLine {
  const file = other.sameAs?.file ?? other.file;
  return { ...line, faces, verdict, print, threshold, sameAs: { file, by: 'pixels' } };
}

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** What is relied on when lines are read back; the rest is kept as it is. */
const lineSchema = z.looseObject({
  file: z.string(),
  sha256: hex.nullable(),
  kind: z.enum(['image', 'video']),
  faces: z.array(z.looseObject({ probability: z.number().nullable(), verdict: z.string() })),
  verdict: z.string().nullable(),
  error: z.looseObject({ message: z.string() }).nullable(),
  weights: hex,
  settings: z.string(),
  size: z.number().nullable(),
  modified: z.number().nullable(),
  pixels: hex.nullish(),
  print: hex.nullable(),
  times: z.looseObject({ at: z.iso.datetime() }),
});

/**
 * @param where the file and the line's number, for messages
 * @throws LlsmError where it is no line of a scan
 */
export function parseLine(text: string, where: string): ScanLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new LlsmError(`${where} is not JSON: is it the output of a scan?`);
  }
  const parsed = lineSchema.safeParse(value);
  if (!parsed.success) {
    throw new LlsmError(`${where} is no line of a scan: ${problemsOf(parsed.error)}`);
  }
  return value as ScanLine;
}

/** The line as it is written, with its line feed: the JSON of a line holds none. */
export const textOf = (line: ScanLine): string => `${JSON.stringify(line)}\n`;

/** Whether a line is the last word on its file's bytes; a file that could not be read is tried again. */
export const isFinal = ({ sha256 }: Pick<ScanLine, 'sha256'>): boolean => sha256 !== null;

/** Whether a line speaks of the same weights and settings. */
export const isOf = (line: ScanIdentity, { weights, settings }: ScanIdentity): boolean =>
  line.weights === weights && line.settings === settings;
