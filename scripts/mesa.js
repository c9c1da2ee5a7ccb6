/**
 * Installs Mesa's software Vulkan driver, and nothing else, on Debian and Ubuntu: from the release,
 * or from its backports where the release's own is too old for Dawn.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backportsSource, isAtLeast, parsePolicy, versionsIn } from './apt.js';
import { agree, installCommand, output, runAsRoot, SetupError } from './root.js';

const packages = ['libvulkan1', 'mesa-vulkan-drivers'];
const sourceFolder = '/etc/apt/sources.list.d';

/**
 * Dawn refuses the software driver of Mesa 22.3.6, which lacks shaderUniform*ArrayDynamicIndexing,
 * and takes that of 25.0.7. What lies between is installed where a release has it, and probed.
 * @type {readonly [number, number]}
 */
const tried = [23, 0];
/** @type {readonly [number, number]} */
const accepted = [25, 0];

/** @typedef {{ ok: true, name: string, software: boolean } | { ok: false, why: string }} Probe */
/** @typedef {{ ids: string[], name: string, codename: string }} System */

/**
 * @typedef {object} Plan
 * @property {'update' | 'release' | 'backports'} kind only read the package lists, or install
 * @property {string} reason
 * @property {{ name: string, text: string } | null} source to be written first
 * @property {string[][]} commands to be run as root
 * @property {string} suite of the backports, '' for the other kinds
 */

/** @param {string} name */
const policyOf = (name) => parsePolicy(output(['apt-cache', 'policy', name]));

/** apt's source files, in the order in which apt reads them. */
function readSources() {
  const parts = existsSync(sourceFolder) ? readdirSync(sourceFolder).sort() : [];
  return ['/etc/apt/sources.list', ...parts.map((name) => join(sourceFolder, name))]
    .filter((path) => existsSync(path))
    .map((path) => ({ name: path, text: readFileSync(path, 'utf8') }));
}

/**
 * @param {System} system
 * @returns {Plan | null} null: Mesa is installed and as new as it need be
 * @throws SetupError where apt's sources lead nowhere
 */
function makePlan({ codename, name }) {
  const { installed, candidate } = policyOf('mesa-vulkan-drivers');
  const whole = policyOf('libvulkan1').installed !== null && installed !== null;
  if (whole && isAtLeast(installed, accepted)) return null;
  const update = ['apt-get', 'update'];
  if (!candidate) {
    return {
      kind: 'update',
      reason:
        `apt has no package lists; after them come ${packages.join(' and ')}, of ${name} or, ` +
        `if its Mesa is older than ${tried.join('.')}, of ${codename}-backports`,
      source: null,
      commands: [update],
      suite: '',
    };
  }
  if (isAtLeast(candidate, tried) && !(whole && installed === candidate)) {
    return {
      kind: 'release',
      reason: `${name} has Mesa ${candidate}`,
      source: null,
      commands: [update, installCommand(...packages)],
      suite: '',
    };
  }
  const tooOld = `Mesa ${candidate} of ${name} is too old for Dawn`;
  const source = codename ? backportsSource(readSources(), codename) : null;
  if (!source) {
    throw new SetupError(
      `${tooOld}, and apt's sources name no archive of the release to take backports from.\n` +
        `Install ${packages.join(' and ')} of Mesa ${accepted.join('.')} or newer.`,
    );
  }
  const suite = `${codename}-backports`;
  return {
    kind: 'backports',
    reason: `${tooOld}, so it is taken from ${suite}`,
    source: source.present ? null : source,
    commands: [update, installCommand('--target-release', suite, ...packages)],
    suite,
  };
}

/**
 * The plan's steps, one a line.
 * @param {Plan} plan
 */
function describe({ source, commands }) {
  const written = `write ${sourceFolder}/${source?.name}, copied from the release's own source`;
  return [...(source ? [written] : []), ...commands.map((command) => command.join(' '))];
}

/**
 * The plan for a root shell.
 * @param {Plan} plan
 */
function asShell({ source, commands }) {
  const write = source
    ? `cat > ${sourceFolder}/${source.name} <<'END'\n${source.text.trim()}\nEND\n`
    : '';
  return write + commands.map((command) => command.join(' ')).join('\n');
}

/**
 * Carries a plan out. A source that was written and turns out to be of no use is removed.
 * @param {Plan} plan
 * @param {string[]} sudo
 */
function carryOut({ kind, reason, source, commands, suite }, sudo) {
  /** @param {string[]} command */
  const run = (command) => runAsRoot(sudo, command);
  const path = source && `${sourceFolder}/${source.name}`;
  /** @param {string} why @returns {never} */
  const giveUp = (why) => {
    if (path) run(['rm', '-f', path]);
    throw new SetupError(path ? `${why}\n${path} was removed again.` : why);
  };
  if (source && path) {
    const aside = mkdtempSync(join(tmpdir(), 'llsm-'));
    const header = "# Written by LLSM's scripts/setup.js, for Mesa's software Vulkan driver.\n";
    writeFileSync(join(aside, source.name), header + source.text);
    const written = run(['install', '-m', '644', join(aside, source.name), path]);
    rmSync(aside, { recursive: true });
    if (!written) giveUp(`${path} could not be written.`);
    console.log(`Wrote ${path}.`);
  }
  for (const command of commands) {
    const isInstall = command[1] === 'install';
    if (isInstall && kind === 'backports') {
      const offered = versionsIn(output(['apt-cache', 'madison', packages[1]]), suite);
      if (!offered.some((version) => isAtLeast(version, tried))) {
        giveUp(`${reason}, which has none. Install your GPU's Vulkan driver, or a newer release.`);
      }
    }
    if (!run(command)) giveUp(`This failed, and what it printed says why: ${command.join(' ')}`);
  }
}

/**
 * Installs until the probe finds an adapter or nothing is left to install.
 * @param {System} system
 * @param {() => Probe} probe
 * @returns {Promise<Probe>}
 * @throws SetupError where installing is refused or fails
 */
export async function installMesa(system, probe) {
  /** @type {Set<string>} */
  const done = new Set();
  for (;;) {
    const plan = makePlan(system);
    if (!plan || done.has(plan.kind)) return probe();
    const why = `Mesa's software driver (right, but slow) would do. ${plan.reason}:`;
    carryOut(plan, await agree(why, describe(plan), asShell(plan)));
    done.add(plan.kind);
    if (plan.kind === 'update') continue;
    const result = probe();
    if (result.ok) return result;
  }
}
