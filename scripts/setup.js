/**
 * Makes a checkout ready on a machine with git, Node and npm: the packages, a WebGPU adapter, and
 * the programs that tests need.
 * `node scripts/setup.js`, and the first thing that `npm test` does. With LLSM_SETUP=never it
 * installs nothing on the system, and says what it would have done.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseOsRelease } from './apt.js';
import { installMesa } from './mesa.js';
import { SetupError } from './root.js';
import { ensureTools } from './tools.js';

export { SetupError };

const root = fileURLToPath(new URL('..', import.meta.url));
const probeSeconds = 60;

/** @param {string} path */
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'));

/**
 * Whether node_modules holds what package-lock.json asks for (optional packages apart).
 * @param {string} folder
 */
function packagesAreCurrent(folder) {
  const marker = join(folder, 'node_modules/.package-lock.json');
  if (!existsSync(marker)) return false;
  const wanted = readJson(join(folder, 'package-lock.json')).packages;
  const present = readJson(marker).packages;
  return Object.entries(wanted).every(
    ([path, entry]) => path === '' || entry.optional || present[path]?.version === entry.version,
  );
}

/**
 * Runs `npm ci` where node_modules is missing or older than package-lock.json.
 * @param {string} folder
 * @param {string[]} options of npm ci
 * @throws SetupError when npm is missing or fails
 */
export function ensurePackages(folder = root, options = []) {
  if (Number(process.versions.node.split('.')[0]) < 20) {
    throw new SetupError(`Node 20 or newer is needed; this is ${process.versions.node}.`);
  }
  // An installed package has no lockfile; whoever installed it brought the packages.
  if (!existsSync(join(folder, 'package-lock.json')) || packagesAreCurrent(folder)) return;
  console.error(`Installing the packages of ${join(folder, 'package-lock.json')}: npm ci`);
  const { status, error } = spawnSync('npm', ['ci', '--no-fund', '--no-audit', ...options], {
    cwd: folder,
    stdio: ['inherit', 2, 2],
    shell: process.platform === 'win32',
  });
  if (error) throw new SetupError(`npm could not be started (${error.message}): install npm.`);
  if (status !== 0) throw new SetupError('npm ci failed; what it printed above says why.');
}

/**
 * Opens an adapter and a device and computes on them, in a child process.
 * @returns {import('./mesa.js').Probe}
 */
export function probeAdapter() {
  const child = spawnSync(process.execPath, [fileURLToPath(new URL('probe.js', import.meta.url))], {
    cwd: root,
    encoding: 'utf8',
    timeout: probeSeconds * 1000,
    killSignal: 'SIGKILL',
  });
  if (child.error && 'code' in child.error && child.error.code === 'ETIMEDOUT') {
    return { ok: false, why: `the driver did not answer within ${probeSeconds} s` };
  }
  const said = (child.stderr ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !/^at |XDG_RUNTIME_DIR|artificially reduced/.test(line))
    .join('\n  ');
  if (child.signal) {
    return { ok: false, why: [`the driver crashed (${child.signal})`, said].join('\n  ').trim() };
  }
  if (child.status !== 0) return { ok: false, why: said || `the probe ended with ${child.status}` };
  return { ok: true, ...JSON.parse(child.stdout.trim().split('\n').pop() ?? '') };
}

/** The system's name, the ids it goes by and its release's codename; all empty but in Linux. */
function readSystem() {
  const path = ['/etc/os-release', '/usr/lib/os-release'].find((name) => existsSync(name));
  return parseOsRelease(path && process.platform === 'linux' ? readFileSync(path, 'utf8') : '');
}

/**
 * What to install on a system that has no apt.
 * @param {string[]} ids
 */
function adviceFor(ids) {
  if (process.platform === 'darwin') {
    return 'macOS has Metal: use a current macOS, on a Mac or in a virtual machine with a GPU.';
  }
  if (process.platform === 'win32') {
    return 'Windows has Direct3D 12: update Windows and the driver of the GPU.';
  }
  if (ids.includes('alpine')) {
    return 'The webgpu package is built for glibc, which Alpine lacks: use another distribution.';
  }
  const packages = Object.entries({
    fedora: 'sudo dnf install vulkan-loader mesa-vulkan-drivers',
    rhel: 'sudo dnf install vulkan-loader mesa-vulkan-drivers',
    arch: 'sudo pacman -S vulkan-icd-loader vulkan-swrast',
    suse: 'sudo zypper install libvulkan1 libvulkan_lvp',
  }).find(([id]) => ids.includes(id))?.[1];
  return (
    "Install the Vulkan driver of the GPU, or Mesa's software driver (version 25 or newer): " +
    (packages ?? 'the Vulkan loader, libvulkan.so.1, and lavapipe.')
  );
}

/**
 * Finds a usable adapter. Where there is none, Mesa's software driver is installed on Debian and
 * Ubuntu.
 * @returns {Promise<{ name: string, software: boolean }>}
 * @throws SetupError that says what to install
 */
export async function ensureAdapter() {
  const setting = process.env.LLSM_SETUP;
  if (setting && setting !== 'never') {
    throw new SetupError(`LLSM_SETUP is '${setting}'; the only setting is 'never'.`);
  }
  const first = probeAdapter();
  if (first.ok) return first;
  console.log(`No WebGPU adapter can be used:\n  ${first.why}`);
  const system = readSystem();
  const hasApt = existsSync('/usr/bin/apt-get');
  if (!hasApt || !system.ids.some((id) => id === 'debian' || id === 'ubuntu')) {
    throw new SetupError(adviceFor(system.ids));
  }
  const probe = await installMesa(system, probeAdapter);
  if (probe.ok) return probe;
  throw new SetupError(
    `Mesa's software driver is installed, and no adapter can be used:\n  ${probe.why}\n` +
      'Where another driver is at fault, leave it out with\n\n' +
      'export VK_DRIVER_FILES=$(echo /usr/share/vulkan/icd.d/lvp_icd.*.json)',
  );
}

/**
 * All of it.
 * @throws SetupError where there are no packages or no adapter
 */
export async function setUp() {
  ensurePackages();
  const { name, software } = await ensureAdapter();
  console.log(`WebGPU adapter: ${name}${software ? ' (software: right, but slow)' : ''}`);
  await ensureTools();
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await setUp();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    console.error(error.message);
    process.exit(1);
  }
}
