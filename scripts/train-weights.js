/**
 * `npm run train:weights -- PHOTOS... [--out DIR] [--images N]`: from folders of photographs of real
 * people to the file that ships. Each step is a command of llsm that continues where it was stopped, so
 * the whole may be stopped and run again. What is written: DIR/sets, DIR/run, DIR/llsm.safetensors.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runLlsm as llsm } from './llsm.js';
import { ensureAdapter, ensurePackages, SetupError } from './setup.js';

const root = fileURLToPath(new URL('..', import.meta.url));
/** Share of real faces that may be called forged at the stored threshold. */
const falseAlarms = 0.05;
const usage =
  'npm run train:weights -- PHOTOS... [--out runs/weights] [--config weights/training.json] [--set key=value]...';

/** @returns {{ photos: string[], out: string, config: string, set: string[] }} */
function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', default: join(root, 'runs', 'weights') },
      config: { type: 'string', default: join(root, 'weights', 'training.json') },
      set: { type: 'string', multiple: true, default: [] },
    },
  });
  if (positionals.length === 0)
    throw new SetupError(`No folder of photographs is named.\n${usage}`);
  const missing = positionals.find((folder) => !existsSync(folder));
  if (missing) throw new SetupError(`${missing} does not exist.\n${usage}`);
  const { out, config, set } = values;
  return { photos: positionals.map((folder) => resolve(folder)), out: resolve(out), config, set };
}

/** Folders of one name are told apart by their number. @param {string} folder @param {number} k @param {string[]} all */
function nameOf(folder, k, all) {
  const same = all.filter((other) => basename(other) === basename(folder));
  return same.length > 1 ? `${basename(folder)}-${k + 1}` : basename(folder);
}

/** Real faces that the threshold is chosen on must be enough: said before hours of training, not after. @param {string} set */
function requireValidation(set) {
  const lines = readFileSync(join(set, 'manifest.jsonl'), 'utf8').trim().split('\n');
  const real = lines.filter((line) => JSON.parse(line).label === 0).length;
  const least = Math.ceil(1 / falseAlarms);
  if (real >= least) return;
  throw new SetupError(
    `Only ${real} real faces of people who are not trained on, and the threshold needs ${least}: give more ` +
      'photographs (300 and more, of as many people; 15 % of the people are kept for it).',
  );
}

// Ctrl-C reaches the child as well, which saves what is done; this process waits for it.
process.on('SIGINT', () => {});

try {
  const { photos, out, config, set } = options();
  ensurePackages();
  await ensureAdapter();
  const sets = photos.map((folder, k) => join(out, 'sets', nameOf(folder, k, photos)));
  photos.forEach((folder, k) => {
    llsm('data', 'folder', folder, '--out', sets[k], '--size', '256', '--val-share', '0.15');
  });
  const validation = join(out, 'sets', 'validation');
  const methods = 'self-blend:1,swap:1,parts:1,generator:1';
  const forging = ['--splits', 'val', '--config', config, '--methods', methods];
  llsm('forge', '--real', ...sets, '--out', validation, ...forging);
  requireValidation(validation);
  const run = join(out, 'run');
  const settings = ['--config', config, ...set.flatMap((value) => ['--set', value])];
  // The config is told again, so that a run that was begun with another one is not taken for this.
  if (existsSync(join(run, 'config.json'))) settings.push('--resume');
  const saving = ['--save-every', '50'];
  llsm('train', '--data', ...sets, '--validate', validation, '--out', run, ...saving, ...settings);
  const calibrated = join(out, 'calibrated.safetensors');
  const weights = join(run, 'weights.safetensors');
  const at = ['--data', validation, '--at', `fpr=${falseAlarms}`, '--out', calibrated];
  llsm('calibrate', '--weights', weights, ...at);
  const shipped = join(out, 'llsm.safetensors');
  llsm('export', calibrated, '--f16', shipped);
  console.error(
    `\n${shipped} is what \`llsm detect --weights\` takes. How good it is on people that it was not trained on:\n` +
      `npm run measure:weights -- ${shipped} --data ${validation} --split val`,
  );
} catch (error) {
  if (!(error instanceof SetupError) && !(error instanceof TypeError)) throw error;
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error.message);
  process.exitCode = 1;
}
