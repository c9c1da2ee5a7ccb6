import type { Choice, Traits } from '../../graph/record.ts';
import { isGpu } from '../adapter.ts';
import { narrowColumns } from './narrow.ts';
import { bestTile, matrixForm, type Shape, type TileForm, type Tiles, tileForms } from './tiles.ts';

/** The two families of products: out = x w (forward and dX), and dW = x^T dOut. */
export type Family = 'product' | 'filter';

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

/**
 * Rows of a product's tile, by lanes. With four (SwiftShader) 8, 16 and 32 rows take the same time to
 * within a tenth, and 0.4, 1.1 and 3.2 s to compile.
 */
const usualRows: Record<number, number> = { 4: 8, 8: 32 };

/**
 * The form of software drivers: a subgroup without workgroup memory. A lane holds `columns` vec4 of
 * each row, and takes `depth` steps of k in a turn.
 */
function lanesForm(
  family: Family,
  lanes: number,
  columns: number,
  depth: number,
  productRows = usualRows[lanes],
): Form {
  const columns4 = lanes * columns;
  const sets = family === 'product' ? productRows / lanes : 4;
  const rows = sets * lanes;
  return {
    name: `lanes ${columns}x${depth}${productRows === usualRows[lanes] ? '' : ` of ${productRows}`}`,
    kind: 'lanes',
    rows,
    columns4,
    constants: { LANES: lanes, SETS: sets, ROWS: rows, COLUMNS: columns, DEPTH: depth },
    fits: ({ cin, n }) =>
      (family === 'filter' || cin % depth === 0) && (columns === 1 || n > lanes * 4),
  };
}

/**
 * Values of a pointwise filter gradient that the narrow form makes at most: each is loaded and stored
 * again for every pixel.
 */
const mostSums = 256;

/** The form for few columns and short windows on software drivers. */
const narrowForm = (family: Family, lanes: number): Form => ({
  name: 'narrow',
  kind: 'narrow',
  lanes,
  // Beyond, what was measured was no faster, or compiled for too long.
  fits: ({ k, n, kernelSize }) =>
    n <= 16 &&
    narrowColumns(k, n) > 0 &&
    k <= (kernelSize > 1 ? 80 : 32) &&
    (family === 'product' || kernelSize > 1 || k * n <= mostSums),
});

/** The forms of a family on an adapter, plain first. */
export function formsOf(family: Family, { subgroupSize: lanes, matrix }: Traits): readonly Form[] {
  if (lanes !== 4 && lanes !== 8) {
    return matrix && family === 'product' ? [...tileForms, matrixForm(matrix)] : tileForms;
  }
  const form = (columns: number, depth: number, rows?: number): Form =>
    lanesForm(family, lanes, columns, depth, rows);
  // Adding up across lanes is written for eight of them.
  const narrow = lanes === 8 ? [narrowForm(family, lanes)] : [];
  const both = [form(1, 1), form(1, 2), form(2, 1), form(2, 2), ...narrow];
  // 14 x 14 pixels of one image fill 5 tiles of 40 rows, and 7 of 32 but for an eighth.
  return family === 'product' && lanes === 8 ? [...both, form(2, 2, 40)] : both;
}

/** Rows from which on a product's time counts for more than compiling a form for it. */
const tall = (k: number): number => (k > 32 ? 65_536 : 16_384);

/** Whether a form computes few more columns beyond the n than the plain one does. */
function fills(form: Form, plain: Form, n: number): boolean {
  if (form.kind === 'narrow' || plain.kind === 'narrow') return false;
  const [computed, least] = [form, plain].map(
    ({ columns4 }) => Math.ceil(n / 4 / columns4) * columns4,
  );
  return computed <= 1.25 * least;
}

const isTile = (form: Form): form is TileForm => form.kind === 'tile';

/** Form that is taken where nothing was measured. */
function shipped(family: Family, traits: Traits, forms: readonly Form[], shape: Shape): Form {
  const { m, k, n } = shape;
  const [plain] = forms;
  // The widest tile loads least for its arithmetic. What is between it and the plain one is little
  // better than the plain one, and compiles too.
  if (plain.kind === 'lanes') {
    const narrow = m >= tall(k) ? forms.find(({ kind }) => kind === 'narrow') : undefined;
    const widest = forms.find(({ name }) => name === 'lanes 2x2');
    return narrow ?? (widest && fills(widest, plain, n) ? widest : plain);
  }
  return isGpu(traits) ? bestTile(family, forms.filter(isTile), shape) : plain;
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
  const form = forms.find(({ name }) => name === measured) ?? shipped(family, traits, forms, shape);
  if (few) return { form };
  return { form, choice: { key, form: form.name, among: forms.map(({ name }) => name) } };
}
