/**
 * `npm run measure:weights -- WEIGHTS --data SETS... [--split test] [--out DIR]`: the tables of a model
 * card. `--data` names sets of real and forged faces that the network was not trained on; `--real` sets
 * of real faces alone, of which forgeries are made first. Written: DIR/card.md, and all that
 * `llsm eval` writes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runLlsm } from './llsm.js';
import { ensureAdapter, ensurePackages, SetupError } from './setup.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const usage =
  'npm run measure:weights -- WEIGHTS (--data SETS... | --real SETS...) [--split test] [--prior SETS...] [--out runs/measured]';

/** Degradations that the goals speak of, and some that they do not. */
const degradations = 'jpeg=50/30,resize=0.75/0.5,blur=7';

/** Repeats an option for each value. @param {string} name @param {string[]} values */
const each = (name, values) => (values.length > 0 ? [name, ...values] : []);

/** The values after an option up to the next one. @param {string[]} args */
function spread(args) {
  /** @type {string[]} */
  const out = [];
  let option = '';
  for (const arg of args) {
    if (arg.startsWith('--')) option = arg;
    else if (['--data', '--real', '--prior'].includes(option) && out.at(-1) !== option)
      out.push(option);
    out.push(arg);
  }
  return out;
}

function options() {
  const { values, positionals } = parseArgs({
    args: spread(process.argv.slice(2)),
    allowPositionals: true,
    options: {
      data: { type: 'string', multiple: true, default: [] },
      real: { type: 'string', multiple: true, default: [] },
      prior: { type: 'string', multiple: true, default: [] },
      split: { type: 'string', default: 'test' },
      perturb: { type: 'string', default: degradations },
      out: { type: 'string', default: join(root, 'runs', 'measured') },
    },
  });
  if (positionals.length !== 1) throw new SetupError(`One file of weights is needed.\n${usage}`);
  if (values.data.length > 0 === values.real.length > 0) {
    throw new SetupError(`Name forged sets by --data, or real ones by --real.\n${usage}`);
  }
  return { ...values, weights: resolve(positionals[0]), out: resolve(values.out) };
}

/**
 * What was hoped for, and what is: a line each.
 * @param {any} record eval.json
 * @returns {string[][]}
 */
function goals({ faces, masks, pairs, robustness }) {
  /** @param {number | null | undefined} value */
  const shown = (value) => (Number.isFinite(value) ? Number(value).toFixed(3) : '-');
  /** @param {string} what @param {string} goal @param {number | null | undefined} value @param {(value: number) => boolean} met */
  const line = (what, goal, value, met) => [
    ...[what, goal, shown(value)],
    value === null || value === undefined || Number.isNaN(value)
      ? 'not measured'
      : met(value)
        ? 'met'
        : 'missed',
  ];
  /** @param {string} name @param {number} level */
  const degraded = (name, level) => {
    const row = robustness?.rows.find((/** @type {any} */ one) => one.name === name);
    const k = row?.levels.indexOf(level) ?? -1;
    return k < 0 ? undefined : { auc: row.auc[k], falseAlarms: row.falseAlarms[k] };
  };
  const rows = [line('AUC', '>= .98', faces[0].auc, (value) => value >= 0.98)];
  for (const [name, level, most] of /** @type {const} */ ([
    ['jpeg', 50, 0.05],
    ['resize', 0.5, 0.1],
  ])) {
    const found = degraded(name, level);
    const cost = found && faces[0].auc - found.auc;
    rows.push(line(`${name} ${level}: AUC lost`, `< ${most}`, cost, (value) => value < most));
    const times = found && found.falseAlarms / faces[0].falseAlarms;
    rows.push(line(`${name} ${level}: false alarms, times`, '<= 2', times, (value) => value <= 2));
  }
  for (const { name, iou } of masks ?? []) {
    if (name === 'all') continue;
    const least = name === 'parts' ? 0.15 : 0.1;
    const gain = iou.constant === undefined ? undefined : iou.value - iou.constant;
    const what = `mask IoU above the constant's, ${name}`;
    rows.push(line(what, `>= ${least}`, gain, (value) => value >= least));
  }
  const atPairs = pairs?.[0]?.aucAtFixedPairs.value;
  rows.push(line('pair AUC at fixed pairs', '>= .80', atPairs, (value) => value >= 0.8));
  return rows;
}

/** @param {string} out @param {string[]} sets @param {string} split */
function card(out, sets, split) {
  const record = JSON.parse(readFileSync(join(out, 'eval.json'), 'utf8'));
  const { weights, threshold, faces, adapter, version } = record;
  const origin = threshold.data
    ? ` (${threshold.rule} on ${threshold.data})`
    : ` (${threshold.rule})`;
  const lines = [
    `# ${basename(weights.file)} on ${sets.map((set) => basename(resolve(set))).join(', ')}, split ${split}`,
    '',
    `SHA-256 \`${weights.sha256}\`; ${faces[0].real} real and ${faces[0].forged} forged faces; called forged from ` +
      `${Number(threshold.value.toPrecision(4))}${origin}. llsm ${version} on ${adapter}. Intervals by bootstrap over photographs.`,
    '',
    '| goal | | here | |',
    '| --- | --- | ---: | --- |',
    ...goals(record).map((cells) => `| ${cells.join(' | ')} |`),
    '',
    readFileSync(join(out, 'eval.md'), 'utf8'),
  ];
  writeFileSync(join(out, 'card.md'), lines.join('\n'));
}

try {
  const { weights, data, real, prior, split, perturb, out } = options();
  ensurePackages();
  await ensureAdapter();
  let sets = data;
  if (real.length > 0) {
    sets = [join(out, 'forged')];
    const methods = 'self-blend:1,swap:1,parts:1,generator:1';
    const forging = ['--splits', split, '--view', '224', '--methods', methods];
    runLlsm('forge', '--real', ...real, '--out', sets[0], ...forging);
  }
  runLlsm(
    ...['eval', '--weights', weights, '--data', ...sets, '--split', split],
    ...[...each('--prior', prior), '--by', 'method,source,face-size,region,ratio,mask-size'],
    ...['--perturb', perturb, '--judge', '--out', out],
  );
  card(out, sets, split);
  console.error(`\n${join(out, 'card.md')} has the tables.`);
} catch (error) {
  if (!(error instanceof SetupError) && !(error instanceof TypeError)) throw error;
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error.message);
  process.exitCode = 1;
}
