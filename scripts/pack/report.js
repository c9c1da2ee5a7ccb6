/**
 * What a run of the bundle (run.sh) measured, beside what was predicted of a GPU before any was at hand:
 * OUT/report.md to be read, OUT/report.json with the same figures.
 *
 *     node scripts/pack/report.js OUT
 */
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A prediction that is missed by more than this has to be understood. */
const tolerated = 2;

/** @typedef {[least: number, most: number]} Range */

/**
 * @typedef {object} Compared
 * @property {string} name
 * @property {Range} predicted
 * @property {number} measured
 * @property {boolean} missed whether it is beyond the prediction by more than `tolerated`
 * @property {string} [why] what was predicted to limit it
 */

/**
 * @param {string} name
 * @param {Range} predicted
 * @param {number} measured
 * @param {string} [why]
 * @returns {Compared}
 */
function compared(name, predicted, measured, why) {
  const [least, most] = predicted;
  const missed = measured > most * tolerated || measured < least / tolerated;
  return { name, predicted, measured, missed, ...(why && { why }) };
}

/**
 * A profile (`llsm bench --profile --json`) beside the predictions of its network.
 * @param {any} profile
 * @param {any} predictions
 * @returns {Compared[]}
 */
function compareProfile(profile, predictions) {
  const rows = [
    compared('the step', predictions.step, profile.milliseconds),
    compared('of it, queued by this process', predictions.encode, profile.encodeMilliseconds),
    compared(
      'between dispatches',
      predictions.gaps,
      profile.milliseconds - profile.sumMilliseconds,
    ),
    compared('a dispatch of nothing, in us', predictions.noopMicroseconds, profile.noop * 1000),
  ];
  const left = new Map(profile.kernels.map((/** @type {any} */ it) => [it.kernel, it]));
  for (const { name, match, milliseconds, why } of predictions.kernels) {
    let sum = 0;
    for (const [kernel, it] of left) {
      if (!new RegExp(match).test(kernel)) continue;
      sum += it.milliseconds;
      left.delete(kernel);
    }
    rows.push(compared(name, milliseconds, sum, why));
  }
  return rows;
}

/** @param {number} value */
const short = (value) =>
  Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(Math.abs(value) >= 10 ? 3 : 2);

/** @param {readonly (string | number)[]} cells */
const row = (cells) => `| ${cells.join(' | ')} |`;

/** @param {readonly string[]} head @param {readonly (readonly (string | number)[])[]} body */
const table = (head, body) => [row(head), row(head.map(() => '---')), ...body.map(row), ''];

/**
 * @param {string} file
 * @returns {any} its JSON; undefined where there is no such file, or it is broken off
 */
function read(file) {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Whether a profile is of the network that the predictions are of. @param {any} profile @param {any} network */
const isOf = (profile, network) =>
  Object.entries(network).every(([key, value]) => profile[key] === value);

/** @param {any} profile */
const titleOf = ({ of, width, size, batch, precision }) =>
  `${of}, width ${width}, ${size} px, b${batch}, ${precision}`;

/** @param {any} it @returns {string[]} */
function profileLines(it) {
  return [
    `### ${titleOf(it)}`,
    '',
    `${short(it.milliseconds)} ms a run (${short((it.batch * 1000) / it.milliseconds)} images/s, ` +
      `${short(it.flops / it.milliseconds / 1e6)} GFLOP/s); ${it.dispatches.length} dispatches take ` +
      `${short(it.sumMilliseconds)} ms, queueing ${short(it.encodeMilliseconds)} ms; built in ` +
      `${short(it.buildMilliseconds)} ms, first run ${short(it.firstMilliseconds)} ms` +
      (it.losses ? `; losses ${JSON.stringify(it.losses)}` : ''),
    '',
    `Toggles: ${it.machine.toggles.join(', ')}`,
    '',
    ...table(
      ['kernel', 'dispatches', 'ms', '%', 'GFLOP/s', 'GB/s'],
      it.kernels.map((/** @type {any} */ k) => [
        ...[k.kernel, k.dispatches, short(k.milliseconds), (k.share * 100).toFixed(1)],
        ...[k.gflops ? short(k.gflops) : '', short(k.gbs)],
      ]),
    ),
  ];
}

/**
 * @param {string} out the folder of results
 * @param {any} predictions
 * @returns {{ text: string, json: object }}
 */
function report(out, predictions) {
  const file = (/** @type {string} */ name) => join(out, name);
  const adapter = read(file('adapter.json'));
  const profiles = ['', '-small', '-again', '-toggles', '-f16', '-inference']
    .map((kind) => ({ kind, it: read(file(`profile${kind}.json`)) }))
    .filter(({ it }) => it !== undefined);
  const main = profiles.find(({ kind }) => kind === '')?.it;
  const rows = main ? compareProfile(main, predictions) : [];
  const applies = main !== undefined && isOf(main, predictions.network) && !main.machine.software;
  const tuned = read(file('tune.json'));
  const bench = read(file('bench.json'));
  const texts = ['torch.txt', 'tests.txt', 'cold.txt'].filter((name) => existsSync(file(name)));
  const lines = [
    '# The first run on this adapter',
    '',
    adapter ? `Adapter: ${JSON.stringify(adapter)}` : 'No adapter was found, or it was not asked.',
    '',
    '## Predicted and measured',
    '',
    predictions.of,
    '',
    ...(main === undefined ? ['There is no profile (profile.json) to set beside them.', ''] : []),
    ...(main !== undefined && !applies
      ? [
          `**This profile is of something else** (${titleOf(main)}, ${main.machine.adapter}): the columns say nothing of each other.`,
          '',
        ]
      : []),
    ...table(
      ['what', 'predicted ms', 'measured ms', '', 'limited by'],
      rows.map(({ name, predicted, measured, missed, why = '' }) => [
        ...[name, predicted.join(' to '), short(measured)],
        ...[applies && missed ? 'missed: understand this next' : '', why],
      ]),
    ),
    '## Profiles',
    '',
    ...profiles.flatMap(({ it }) => profileLines(it)),
    ...(tuned
      ? [
          '## Forms of the products',
          '',
          ...table(
            ['shape', 'shipped', 'best', 'gain'],
            tuned.rows.map((/** @type {any} */ it) => {
              const best = it.forms.find((/** @type {any} */ form) => form.name === it.best);
              return [it.key, it.shipped, it.best, best.gain.toFixed(2)];
            }),
          ),
        ]
      : []),
    ...(bench
      ? [
          '## Operations and networks',
          '',
          ...table(
            ['row', 'ms', '% of ceiling'],
            [...bench.rows, ...bench.networks].map((/** @type {any} */ it) => [
              ...[it.name, short(it.milliseconds)],
              it.share === undefined ? '' : (it.share * 100).toFixed(0),
            ]),
          ),
        ]
      : []),
    ...texts.flatMap((name) => [
      `## ${name}`,
      '',
      '```',
      // Of the tests, what failed and the count.
      ...readFileSync(file(name), 'utf8').trimEnd().split('\n').slice(-40),
      '```',
      '',
    ]),
  ];
  const json = {
    adapter,
    applies,
    predicted: rows,
    profiles: Object.fromEntries(profiles.map(({ kind, it }) => [kind.slice(1) || 'main', it])),
    tune: tuned?.rows,
  };
  return { text: `${lines.join('\n')}\n`, json };
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [out] = process.argv.slice(2);
  if (!out || !existsSync(out)) {
    console.error('usage: node scripts/pack/report.js OUT, the folder of results of run.sh');
    process.exit(2);
  }
  const predictions = read(fileURLToPath(new URL('predictions.json', import.meta.url)));
  const { text, json } = report(out, predictions);
  writeFileSync(join(out, 'report.md'), text);
  writeFileSync(join(out, 'report.json'), `${JSON.stringify(json)}\n`);
  console.log(`${join(out, 'report.md')}, report.json`);
}
