/**
 * `npm run bench:pack`: everything that the tests and the benchmark need, Node included, as one
 * .tar.xz for a machine with a GPU and without a network. There: unpack it and run run.sh, which says
 * what it does (scripts/pack/run.sh). Of the other libraries it has TensorFlow.js, where
 * `npm run bench:peers` has installed it here; PyTorch it takes from the machine.
 *
 *     npm run bench:pack -- [--out FILE | --folder DIR] [--loader FILE ...]
 *
 * --out     default llsm-bench-VERSION-PLATFORM.tar.xz
 * --folder  the bundle's content instead, in a folder that is not there yet
 * --loader  shared libraries, or Debian packages of them, for a machine without a Vulkan loader:
 *           `apt-get download libvulkan1` gets the package. The driver itself must be there.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ensureBuilt, ensurePeersBuilt } from './build.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const platform = `${process.platform}-${process.arch}`;
const mostBytes = 50e6;

/** What a person can put right; the message says how. */
class PackError extends Error {}

/** Of the checkout; tests are listed by their sources, and run from dist/. */
const ours = [
  'bin',
  'dist',
  'scripts',
  'test',
  'bench',
  'protocols',
  'weights',
  'package.json',
  'LICENSE',
  'README.md',
];

/** Development packages that the tests load. */
const forTests = ['uvu'];

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/** @returns {string[]} paths in node_modules of the packages that are needed, and all below them */
function neededPackages() {
  const { dependencies } = readJson(join(root, 'package.json'));
  const names = new Set([...Object.keys(dependencies), ...forTests]);
  for (const name of names) {
    const path = join(root, 'node_modules', name, 'package.json');
    if (!existsSync(path)) throw new PackError(`node_modules lacks ${name}: run \`npm ci\` first.`);
    // The set grows while it is gone through, so this reaches all that is below.
    for (const below of Object.keys(readJson(path).dependencies ?? {})) names.add(below);
  }
  return [...names].sort();
}

/**
 * @param {string} from
 * @param {string} to
 */
function place(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, {
    recursive: true,
    dereference: true,
    filter: (path) => {
      const other = /webgpu\/dist\/([^/]+)/.exec(path)?.[1];
      return !(other && other !== platform) && !path.includes('bench/peers/node_modules');
    },
  });
}

/**
 * The shared libraries of Debian packages, or given as such, beside the bundle's own.
 * @param {readonly string[]} files
 * @param {string} to
 */
function placeLoader(files, to) {
  mkdirSync(to, { recursive: true });
  for (const file of files) {
    if (!existsSync(file)) throw new PackError(`--loader ${file}: there is no such file.`);
    if (!file.endsWith('.deb')) {
      copyFileSync(file, join(to, basename(file)));
      continue;
    }
    const unpacked = mkdtempSync(join(tmpdir(), 'llsm-deb-'));
    try {
      run('dpkg-deb', ['-x', file, unpacked], `--loader ${file}`);
      for (const name of readdirSync(unpacked, { recursive: true, encoding: 'utf8' })) {
        const path = join(unpacked, name);
        // Links have their target's content: a name that programs load is enough.
        if (/\.so(\.\d+)*$/.test(name) && statSync(path, { throwIfNoEntry: false })?.isFile()) {
          copyFileSync(path, join(to, basename(name)));
        }
      }
    } finally {
      rmSync(unpacked, { recursive: true, force: true });
    }
  }
  if (files.length > 0 && !readdirSync(to).some((name) => name.startsWith('libvulkan.so'))) {
    throw new PackError('--loader: these files hold no libvulkan.so: take the package libvulkan1.');
  }
}

/**
 * Lays the bundle out.
 * @param {string} folder a folder that is not there yet
 * @param {readonly string[]} loader
 */
async function layOut(folder, loader) {
  await ensureBuilt();
  await ensureBuilt({ tests: true });
  await ensurePeersBuilt();
  placeLoader(loader, join(folder, 'loader'));
  for (const name of ours) place(join(root, name), join(folder, name));
  for (const name of neededPackages()) {
    place(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  const node = join(folder, 'node', process.platform === 'win32' ? 'node.exe' : 'node');
  mkdirSync(dirname(node), { recursive: true });
  copyFileSync(realpathSync(process.execPath), node);
  chmodSync(node, 0o755);
  copyFileSync(join(root, 'scripts', 'pack', 'run.sh'), join(folder, 'run.sh'));
  chmodSync(join(folder, 'run.sh'), 0o755);
}

/**
 * @param {string} command
 * @param {readonly string[]} args
 * @param {string} what for the error
 * @param {Record<string, string>} [env]
 */
function run(command, args, what, env = {}) {
  const { status, error, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  if (error) throw new PackError(`${what}: ${command} could not be started (${error.message}).`);
  if (status !== 0) throw new PackError(`${what}: ${command} failed: ${stderr.trim()}`);
}

/**
 * @param {string} out
 * @param {readonly string[]} loader
 */
async function pack(out, loader) {
  const work = mkdtempSync(join(tmpdir(), 'llsm-pack-'));
  const name = basename(out).replace(/\.tar\.xz$/, '');
  try {
    await layOut(join(work, name), loader);
    const made = join(work, 'made.tar.xz');
    console.error('Compressing; this takes a minute or two.');
    const owner = ['--owner=0', '--group=0', '--sort=name'];
    run('tar', ['-C', work, ...owner, '-cJf', made, name], 'The archive', { XZ_OPT: '-6 -T0' });
    const { size } = statSync(made);
    if (size > mostBytes) {
      throw new PackError(`The bundle takes ${size} bytes, and may take ${mostBytes} at most.`);
    }
    mkdirSync(dirname(resolve(out)), { recursive: true });
    // Beside its place first: the temporary folder may be on another file system.
    copyFileSync(made, `${out}.part`);
    renameSync(`${out}.part`, out);
    console.log(`${out}: ${(size / 1e6).toFixed(1)} MB`);
    console.error(`On the other machine: tar -xf ${basename(out)} && ${name}/run.sh`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const { version } = readJson(join(root, 'package.json'));
  try {
    const { values } = parseArgs({
      options: {
        out: { type: 'string', default: `llsm-bench-${version}-${platform}.tar.xz` },
        folder: { type: 'string' },
        loader: { type: 'string', multiple: true, default: [] },
      },
    });
    const { out, folder, loader } = values;
    if (!out.endsWith('.tar.xz')) throw new TypeError(`--out ${out}: give it the ending .tar.xz`);
    if (process.platform !== 'linux')
      throw new PackError('The bundle is made on Linux, for Linux.');
    if (folder === undefined) await pack(out, loader);
    else {
      if (existsSync(folder)) throw new PackError(`${folder} is there already.`);
      try {
        await layOut(folder, loader);
      } catch (error) {
        rmSync(folder, { recursive: true, force: true });
        throw error;
      }
    }
  } catch (error) {
    if (!(error instanceof PackError) && !(error instanceof TypeError)) throw error;
    console.error(error.message);
    process.exit(error instanceof PackError ? 1 : 2);
  }
}
