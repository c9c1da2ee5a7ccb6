/**
 * `npm run train:weights -- PHOTOS... [--out DIR] [--images N]`: from folders of photographs of real
 * people to the file that ships. Each step is a command of llsm that continues where it was stopped, so
 * the whole may be stopped and run again. What is written: DIR/sets, DIR/run, DIR/llsm.safetensors.
 */
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runLlsm as llsm } from './llsm.js';
import { ensureAdapter, ensurePackages, SetupError } from './setup.js';

const root = fileURLToPath(new URL('..', import.meta.url));
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

// Ctrl-C reaches the child as well, which saves what is done; this process waits for it.
process.on('SIGINT', () => {});

try {
  const { photos, out, config, set } = options();
  ensurePackages();
  await ensureAdapter();
  const sets = photos.map((folder) => join(out, 'sets', basename(folder)));
  photos.forEach((folder, k) => {
    llsm('data', 'folder', folder, '--out', sets[k], '--size', '256', '--val-share', '0.15');
  });
  const validation = join(out, 'sets', 'validation');
  const methods = 'self-blend:1,swap:1,parts:1,generator:1';
  const forging = ['--splits', 'val', '--view', '224', '--methods', methods];
  llsm('forge', '--real', ...sets, '--out', validation, ...forging);
  const run = join(out, 'run');
  const begun = existsSync(join(run, 'state.safetensors'));
  const settings = begun ? ['--resume'] : ['--config', config, ...set.flatMap((s) => ['--set', s])];
  llsm('train', '--data', ...sets, '--validate', validation, '--out', run, ...settings);
  const calibrated = join(out, 'calibrated.safetensors');
  const weights = join(run, 'weights.safetensors');
  const at = ['--data', validation, '--at', 'fpr=0.05', '--out', calibrated];
  llsm('calibrate', '--weights', weights, ...at);
  llsm('export', calibrated, '--f16', join(out, 'llsm.safetensors'));
} catch (error) {
  if (!(error instanceof SetupError) && !(error instanceof TypeError)) throw error;
  console.error(error instanceof TypeError ? `${error.message}\n${usage}` : error.message);
  process.exitCode = 1;
}
