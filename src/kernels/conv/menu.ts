import type { Constants } from '../../gpu/template.ts';
import type { Choice, Traits } from '../../graph/record.ts';
import { narrowColumns } from './narrow.ts';

/** The two families of products: out = x w (forward and dX), and dW = x^T dOut. */
export type Family = 'product' | 'filter';

/** A way of computing a family's products in tiles: what a workgroup makes, and its shader's constants. */
interface Tiles {
  readonly kind: 'lanes' | 'tile';
  /** Rows of the result that a workgroup makes. */
  readonly rows: number;
  /** Columns of the result that a workgroup makes, in fours. */
  readonly columns4: number;
  readonly constants: Constants;
}

/** The way for few columns and short windows: see conv_narrow.wgsl. */
interface Narrow {
  readonly kind: 'narrow';
  readonly lanes: number;
}

/** One way of computing a family's products. */
export type Form = (Tiles | Narrow) & {
  /** Name in a cache of measurements. */
  readonly name: string;
  /** Whether the form can take a shape's input channels, and is worth offering for its columns. */
  fits(shape: Shape): boolean;
};

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

const usualRows = 32;

/**
 * The form of software drivers: a subgroup without workgroup memory. A lane holds `columns` vec4 of
 * each row, and takes `depth` steps of k in a turn.
 */
function lanesForm(
  family: Family,
  lanes: number,
  columns: number,
  depth: number,
  productRows = usualRows,
): Form {
  const columns4 = lanes * columns;
  const sets = family === 'product' ? productRows / lanes : 4;
  const rows = sets * lanes;
  return {
    name: `lanes ${columns}x${depth}${productRows === usualRows ? '' : ` of ${productRows}`}`,
    kind: 'lanes',
    rows,
    columns4,
    constants: { LANES: lanes, SETS: sets, ROWS: rows, COLUMNS: columns, DEPTH: depth },
    fits: ({ cin, n }) =>
      (family === 'filter' || cin % depth === 0) && (columns === 1 || n > lanes * 4),
  };
}

/** The form for few columns and short windows on software drivers. */
const narrowForm = (lanes: number): Form => ({
  name: 'narrow',
  kind: 'narrow',
  lanes,
  fits: ({ k, n }) => n <= 16 && narrowColumns(k, n) > 0,
});

/**
 * The portable form: `across` x `down` invocations share tiles in workgroup memory; each makes
 * `rows` rows by `columns` vec4 in registers.
 */
function tileForm(across: number, down: number, rows: number, columns: number): Form {
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
      // As many steps of k as invocations down, so that tileW also holds one value of each.
      DEPTH: down,
      LOADS: (rows * down) / (4 * across),
      // Keeps invocations that store neighbouring channels off one bank; the largest tile has no room.
      STRIDE: tileRows + (columns > 1 ? 0 : 32 / down),
    },
    fits: ({ n }) => across === 8 || n > 32,
  };
}

/** Forms that everything can run; the first is the plain one, which the others are tested against. */
const tileForms = [
  tileForm(8, 8, 4, 1),
  tileForm(16, 16, 4, 1),
  tileForm(16, 16, 8, 1),
  tileForm(16, 16, 8, 2),
];

/** The forms of a family on an adapter, plain first. */
export function formsOf(family: Family, { subgroupSize: lanes }: Traits): readonly Form[] {
  if (lanes !== 4 && lanes !== 8) return tileForms;
  const form = (columns: number, depth: number, rows?: number): Form =>
    lanesForm(family, lanes, columns, depth, rows);
  // Adding up across lanes is written for eight of them.
  const narrow = lanes === 8 ? [narrowForm(lanes)] : [];
  const both = [form(1, 1), form(1, 2), form(2, 1), form(2, 2), ...narrow];
  // 14 x 14 pixels of one image fill 5 tiles of 40 rows, and 7 of 32 but for an eighth.
  return family === 'product' ? [...both, form(2, 2, 40)] : both;
}

/** Workgroups that keep a GPU busy: below, smaller tiles are better than larger ones. */
const busy = 256;

/** Rows from which on a product's time counts for more than compiling a form for it. */
const tall = 16_384;

/** Whether a form computes few more columns beyond the n than the plain one does. */
function fills(form: Form, plain: Form, n: number): boolean {
  if (form.kind === 'narrow' || plain.kind === 'narrow') return false;
  const [computed, least] = [form, plain].map(
    ({ columns4 }) => Math.ceil(n / 4 / columns4) * columns4,
  );
  return computed <= 1.25 * least;
}

/** Form that is taken where nothing was measured. */
function shipped(family: Family, forms: readonly Form[], { m, k, n }: Shape): Form {
  const [plain, larger] = forms;
  // The widest tile loads least for its arithmetic. What is between it and the plain one is little
  // better than the plain one, and compiles too.
  if (plain.kind === 'lanes') {
    const narrow = m >= tall ? forms.find(({ kind }) => kind === 'narrow') : undefined;
    const widest = forms.find(({ name }) => name === 'lanes 2x2');
    return narrow ?? (widest && fills(widest, plain, n) ? widest : plain);
  }
  const [rows, columns] = family === 'product' ? [m, n] : [k, n];
  if (larger?.kind !== 'tile' || (family === 'filter' && rows < larger.rows)) return plain;
  const groups = Math.ceil(rows / larger.rows) * Math.ceil(columns / (larger.columns4 * 4));
  return family === 'filter' || groups >= busy ? larger : plain;
}

/** Key of a shape, with its rows as the next power of two: tall matrices of one width are alike. */
export function keyOf(family: Family, { m, k, n, kernelSize, stride }: Shape): string {
  const window = kernelSize > 1 || stride > 1 ? ` ${kernelSize}x${kernelSize}/${stride}` : '';
  return `${family} ${2 ** Math.ceil(Math.log2(m))}x${k}x${n}${window}`;
}

/**
 * The form for a shape: the one measured best on this adapter, else the one shipped.
 * @param reloads whether the kernel also loads where it stores. Software drivers compile each place
 *   that loads for long, a wide tile for seconds: there it is the plain form, or the narrow one.
 * @param apart whether there are zeros between the pixels of the input
 */
export function choose(
  family: Family,
  traits: Traits,
  shape: Shape,
  { reloads = false, apart = false } = {},
): { form: Form; choice?: Choice } {
  const all = formsOf(family, traits);
  const few = reloads && all[0].kind === 'lanes';
  const forms = all.filter(
    (form, i) => form.fits(shape) && (form.kind === 'narrow' ? !apart : !few || i === 0),
  );
  const key = keyOf(family, shape);
  const measured = traits.tuned?.get(key);
  const form = forms.find(({ name }) => name === measured) ?? shipped(family, forms, shape);
  if (few) return { form };
  return { form, choice: { key, form: form.name, among: forms.map(({ name }) => name) } };
}
