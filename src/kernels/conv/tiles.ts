import type { Constants } from '../../gpu/template.ts';

/** A product [m, k] by [k, n]. */
export interface Shape {
  m: number;
  k: number;
  n: number;
  /** Channels of the input: k is a multiple of it. */
  cin: number;
  /** Side and stride of a window. */
  kernelSize: number;
  stride: number;
}

/** A way of computing a family's products in tiles: what a workgroup makes, and its shader's constants. */
export interface Tiles {
  readonly kind: 'lanes' | 'tile';
  /** Rows of the result that a workgroup makes. */
  readonly rows: number;
  /** Columns of the result that a workgroup makes, in fours. */
  readonly columns4: number;
  readonly constants: Constants;
}

/** A form in tiles, with its name and what it fits: as `Form` of menu.ts. */
export type TileForm = Tiles & { readonly name: string; fits(shape: Shape): boolean };

/**
 * The portable form: `across` x `down` invocations share tiles in workgroup memory; each makes
 * `rows` rows by `columns` vec4 in registers.
 */
function tileForm(across: number, down: number, rows: number, columns: number): TileForm {
  const tileRows = down * rows;
  const columns4 = across * columns;
  return {
    name: `tile ${tileRows}x${columns4 * 4}`,
    kind: 'tile',
    rows: tileRows,
    columns4,
    constants: {
      ACROSS: across,
      DOWN: down,
      INVOCATIONS: across * down,
      ROWS: rows,
      QUADS: rows / 4,
      COLUMNS: columns,
      TILEROWS: tileRows,
      TILECOLUMNS: columns4,
      STAGED: false,
      MATRIX: false,
      // As many steps of k as invocations down, so that tileW also holds one value of each.
      DEPTH: down,
      LOADS: (rows * down) / (4 * across),
      // Keeps invocations that store neighbouring channels off one bank; the largest tile has no room.
      STRIDE: tileRows + (columns > 1 ? 0 : 32 / down),
    },
    fits: ({ n }) => across === 8 || n > 32,
  };
}

/** Steps of k in a turn of a staged form: two stages of the largest tile fill 16 KiB, which all have. */
const stagedDepth = 8;

/**
 * The portable form for GPUs, with two vec4 tiles of each operand (conv_staged.wgsl): every value that
 * an invocation reads from workgroup memory goes into 4 * `columns` or `rows` multiply-adds.
 */
function stagedForm(across: number, down: number, rows: number, columns: number): TileForm {
  const invocations = across * down;
  const tileRows = down * rows;
  const columns4 = across * columns;
  return {
    name: `staged ${tileRows}x${columns4 * 4} of ${invocations}`,
    kind: 'tile',
    rows: tileRows,
    columns4,
    constants: {
      ACROSS: across,
      DOWN: down,
      INVOCATIONS: invocations,
      ROWS: rows,
      FOURTHS: rows / 4,
      COLUMNS: columns,
      TILEROWS: tileRows,
      TILEROWS4: tileRows / 4,
      TILECOLUMNS: columns4,
      DEPTH: stagedDepth,
      QUADS: stagedDepth / 4,
      LOADS: (tileRows * stagedDepth) / 4 / invocations,
      LOADSW: Math.ceil((columns4 * stagedDepth) / invocations),
      STAGED: true,
      MATRIX: false,
    },
    fits: ({ n }) => across === 8 || n > 32,
  };
}

/**
 * The form by a GPU's matrix units, of matrices m x m: conv_matrix.wgsl. It rounds its operands to 16
 * bits, so it is there where that was asked for alone.
 */
export const matrixForm = (m: number): TileForm => ({
  name: `matrix 64x64 of ${m}`,
  kind: 'tile',
  rows: 64,
  columns4: 16,
  constants: {
    M: m,
    BLOCKS: 32 / m,
    ACROSS: 16,
    DOWN: 8,
    INVOCATIONS: 128,
    ROWS: 8,
    COLUMNS: 1,
    TILEROWS: 64,
    TILECOLUMNS: 16,
    DEPTH: 32,
    LOADS: 4,
    STAGED: false,
    MATRIX: true,
  },
  fits: ({ cin, n }) => cin >= 16 && n >= 16,
});

/** Forms that everything can run; the first is the plain one, which the others are tested against. */
export const tileForms: readonly TileForm[] = [
  tileForm(8, 8, 4, 1),
  tileForm(16, 16, 4, 1),
  tileForm(16, 16, 8, 1),
  tileForm(16, 16, 8, 2),
  stagedForm(8, 8, 8, 2),
  stagedForm(8, 16, 8, 1),
  stagedForm(8, 16, 8, 2),
  stagedForm(16, 16, 8, 2),
];

/**
 * Cores that a GPU is taken to have, which WebGPU does not say: an H100 has 132, an RTX 4090 128. Where
 * there are fewer, more tiles come after each other, and what the last leave idle matters less.
 */
const cores = 128;

/** Invocations that a core needs to have at work: with fewer, nothing hides what loads take. */
const atWork = 256;

/** What is left of a form's speed where all wait for a turn's loads before its arithmetic: a guess. */
const waiting = 0.8;

/**
 * Multiply-adds of a form in the time of one, as far as its reads of workgroup memory allow: a core makes
 * 128 in the time in which it reads 32 values, and a tile of r rows by c columns reads r + c for r * c.
 */
function speed({ rows, columns4, constants: { DOWN, ACROSS, STAGED } }: TileForm): number {
  const r = rows / Number(DOWN);
  const c = (columns4 * 4) / Number(ACROSS);
  return Math.min(1, (r * c) / (r + c) / 4) * (STAGED ? 1 : waiting);
}

/** Time of a product in tiles, in no unit: what the core with most of them has to do. */
function productTime(form: TileForm, m: number, n: number): number {
  const groups = Math.ceil(m / form.rows) * Math.ceil(n / (form.columns4 * 4));
  const each = Math.ceil(groups / cores);
  const hidden = Math.min(1, (each * Number(form.constants.INVOCATIONS)) / atWork);
  return (each * form.rows * form.columns4) / speed(form) / hidden;
}

/** Time of a filter gradient, likewise: its chunks give every core as much to do. */
const filterTime = (form: TileForm, k: number, n: number): number =>
  (Math.ceil(k / form.rows) * form.rows * Math.ceil(n / (form.columns4 * 4)) * form.columns4) /
  speed(form);

/** The form of those for GPUs that is taken where nothing was measured; matrix units where they are there. */
export function bestTile(
  family: 'product' | 'filter',
  forms: readonly TileForm[],
  { m, k, n }: Shape,
): TileForm {
  const matrix = forms.find(({ constants }) => constants.MATRIX);
  if (matrix) return matrix;
  const times = forms.map((form) =>
    family === 'product' ? productTime(form, m, n) : filterTime(form, k, n),
  );
  return forms[times.indexOf(Math.min(...times))];
}

/**
 * Chunks of the pixels for a filter gradient of so many tiles: the fewest that keep a GPU's cores at work
 * and leave few of them idle at the end. Each more is a partial row.
 */
export function chunksFor(tiles: number, invocations: number): number {
  const fewest = Math.ceil((cores * atWork) / (tiles * invocations));
  let chunks = fewest;
  while (
    chunks < 4 * fewest &&
    (tiles * chunks) / cores < 0.85 * Math.ceil((tiles * chunks) / cores)
  ) {
    chunks++;
  }
  return chunks;
}
