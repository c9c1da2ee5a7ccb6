/**
 * The manifest: one face a line, the only thing that training and evaluation read of a data set.
 * This file knows its form; manifest-node.ts reads and writes it.
 */
import * as z from 'zod';
import { LlsmError } from '../base/errors.ts';
import { problemsOf } from '../base/problems.ts';

/** What faces are for; no person is in two. */
export const splits = ['train', 'val', 'test'] as const;

const pathInside = z
  .string()
  .min(1, 'is empty')
  .refine(
    (path) => !/^([/\\]|[a-z]:)/i.test(path),
    'must be relative to the manifest, not absolute',
  )
  .refine((path) => !path.split('/').includes('..'), 'must stay inside the folder: no ".."')
  .refine((path) => !/[\\\0]/.test(path), 'must be written with "/" and no control characters');

const name = z.string().min(1, 'is empty');
const point = z.tuple([z.number(), z.number()]);

/** What is known of how a forgery was made, by which results can be told apart. */
const madeSchema = z.strictObject({
  /** Region that was altered, such as `hull`, `eyes` or `crop`. */
  region: name.optional(),
  /** Opacity of what was laid over. */
  ratio: z.number().positive().max(1).optional(),
  /** What tells it from its surroundings, such as `sharpened` or `sub-pixel`. */
  cue: name.optional(),
});
export type Made = z.output<typeof madeSchema>;

/** One line of a manifest. */
export const manifestLineSchema = z
  .strictObject({
    /** The picture, relative to the manifest's folder. */
    image: pathInside,
    /** 1 = forged. */
    label: z.union([z.literal(0), z.literal(1)], 'must be 0 (real) or 1 (forged)'),
    /** 8-bit grey picture of the image's size, value/255 = how far altered; null: not known. */
    mask: pathInside.nullable().default(null),
    /** The detector's box [x, y, width, height] in pixels, before the 1.3 crop; null: the image is the crop. */
    box: z
      .tuple([z.number(), z.number(), z.number().positive(), z.number().positive()])
      .nullable()
      .default(null),
    /** Right eye, left eye, nose tip, right and left corner of the mouth (YuNet's order), in pixels. */
    landmarks: z.tuple([point, point, point, point, point]).nullable().default(null),
    /** The 68 points of the iBUG scheme, in pixels; absent: not known. */
    points68: z.array(point).length(68).optional(),
    /** Side of the crop on the photograph that it was cut from, in pixels; absent: that of the picture. */
    side: z.number().positive().optional(),
    /** What an autoencoder made of the face crop, relative to the manifest's folder; absent: none was. */
    reconstructed: pathInside.optional(),
    /** What frames belong to: data set, method, compression and name together. */
    video: name,
    frame: z.int().nonnegative().default(0),
    /** Ids that must not cross a split. */
    people: z.array(name).default([]),
    dataset: name,
    method: name.nullable().default(null),
    split: z.enum(splits),
    made: madeSchema.optional(),
  })
  .refine((line) => line.label === 1 || line.mask === null, {
    path: ['mask'],
    message: 'must be null for a real face (label 0): nothing of it is altered',
  });

/** One face of a manifest. */
export type Face = z.output<typeof manifestLineSchema>;
/** What a writer may leave out gets its default. */
export type FaceInput = z.input<typeof manifestLineSchema>;
export type Split = Face['split'];
/** A face and the folder that its paths are relative to. */
export type ManifestItem = Face & { folder: string };

/** `3 faces (1 real, 2 forged)` */
export const countsInWords = (faces: readonly Pick<Face, 'label'>[]): string => {
  const forged = faces.filter(({ label }) => label === 1).length;
  return `${faces.length} faces (${faces.length - forged} real, ${forged} forged)`;
};

/**
 * A face checked, with its defaults.
 * @param where file and line, for the message
 * @throws LlsmError naming the field.
 */
export function checkFace(value: unknown, where: string): Face {
  const result = manifestLineSchema.safeParse(value);
  if (!result.success) throw new LlsmError(`${where}: ${problemsOf(result.error)}`);
  return result.data;
}

/** Parses one line of a manifest; errors as `checkFace`. */
export function parseFace(line: string, where: string): Face {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new LlsmError(`${where}: not a complete JSON object: ${line.slice(0, 60)}`);
  }
  return checkFace(value, where);
}

/**
 * What must hold between the faces of one or several manifests: no person in two splits, no face
 * twice. Ids are compared as they are, whatever the data set: the same id means the same person.
 */
export class FaceRules {
  readonly #splits = new Map<string, { split: Split; where: string }>();
  readonly #faces = new Map<string, string>();

  /**
   * @param image the image's identity: its path, made unique over folders
   * @throws LlsmError naming both places.
   */
  add(face: Face, image: string, where: string): void {
    const key = face.box ? `${image} ${face.box}` : image;
    const twice = this.#faces.get(key);
    if (twice) {
      throw new LlsmError(
        `${where}: image: ${face.image} is already in ${twice}. Each face may appear once.`,
      );
    }
    for (const person of face.people) {
      const known = this.#splits.get(person);
      if (known && known.split !== face.split) {
        throw new LlsmError(
          `${where}: people: "${person}" is in split ${face.split} here and in ${known.split} in ${known.where}. Keep each person in one split, or give different people different ids.`,
        );
      }
    }
    this.#faces.set(key, where);
    for (const person of face.people) {
      if (!this.#splits.has(person)) this.#splits.set(person, { split: face.split, where });
    }
  }
}
