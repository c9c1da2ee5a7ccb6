import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { ensureTools, hasProgram } from '../../scripts/tools.js';
import { temporaryFolder } from '../support/pictures.ts';
import { skip, suite } from '../support/run.ts';

const test = suite('tools');
const wanted = [
  { program: 'there', apt: 'there', purpose: 'is there' },
  { program: 'viewer', apt: 'llsm-viewer', purpose: 'shows pages' },
  { program: 'store', apt: 'llsm-store', purpose: 'keeps jobs' },
];
const person = (isRoot: boolean, answer?: string) => ({
  isRoot,
  ask: answer === undefined ? null : async () => answer,
});

/**
 * A machine of nothing but one tool and an apt-get that notes its calls, and installs the viewer
 * where `installs`; what ensureTools said on it.
 */
async function machine(
  who: ReturnType<typeof person>,
  { installs = true, apt = true, never = false } = {},
) {
  if (process.platform === 'win32') skip('its programs are shell scripts');
  const folder = temporaryFolder();
  const bin = join(folder, 'bin');
  const script = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  };
  mkdirSync(bin);
  script('there', '');
  symlinkSync('/usr/bin/env', join(bin, 'env'));
  symlinkSync('/bin/sh', join(bin, 'sh'));
  script('sudo', `echo sudo >> '${folder}/calls'\nexec "$@"`);
  const install = `echo '#!/bin/sh' > '${bin}/viewer'; /bin/chmod 755 '${bin}/viewer'`;
  const body = installs ? `[ $1 = update ] || { ${install}; }` : 'exit 100';
  if (apt) script('apt-get', `echo "$@" >> '${folder}/calls'\n${body}`);
  writeFileSync(join(folder, 'calls'), '');

  const { PATH, LLSM_SETUP } = process.env;
  const { log } = console;
  const said: string[] = [];
  process.env.PATH = bin;
  if (never) process.env.LLSM_SETUP = 'never';
  else delete process.env.LLSM_SETUP;
  console.log = (line: string) => said.push(line);
  try {
    await ensureTools(wanted, who);
  } finally {
    console.log = log;
    process.env.PATH = PATH;
    if (LLSM_SETUP === undefined) delete process.env.LLSM_SETUP;
    else process.env.LLSM_SETUP = LLSM_SETUP;
  }
  const calls = readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n').filter(Boolean);
  return { said: said.join('\n'), calls };
}

const update = 'update';
const install = 'install --yes --no-install-recommends llsm-viewer llsm-store';
const skipped =
  /store, which keeps jobs, is not installed .*apt install llsm-store\): its tests are skipped/;

test('root without a terminal: the missing ones alone are installed, and what is not come is said', async () => {
  const { said, calls } = await machine(person(true));
  assert.equal(calls, [update, install]);
  assert.match(
    said,
    /missing: viewer \(shows pages\), store \(keeps jobs\):\n {2}apt-get update\n/,
  );
  assert.match(said, skipped);
  assert.not.match(said, /viewer, which/);
});

test('nothing is installed without a yes, or where nobody can be asked', async () => {
  for (const [who, reason] of [
    [person(false), 'not root, and no terminal to ask on'],
    [person(true, 'n'), 'Nothing was installed.'],
    [person(false, ''), 'Nothing was installed.'],
  ] as const) {
    const { said, calls } = await machine(who);
    assert.equal(calls, []);
    assert.ok(said.includes(reason), said);
    assert.match(said, new RegExp(`Run as root.*\n\napt-get update\napt-get ${install}`));
    assert.match(said, skipped);
  }
  const { said, calls } = await machine(person(true), { never: true });
  assert.equal(calls, []);
  assert.match(said, /LLSM_SETUP=never: nothing was installed/);
});

test('a yes on a terminal: with sudo where one is not root', async () => {
  assert.equal((await machine(person(true, 'y'))).calls, [update, install]);
  const { calls } = await machine(person(false, 'yes'));
  assert.equal(calls, ['sudo', update, 'sudo', install]);
});

test('a machine without apt, and an apt that fails, are no error', async () => {
  const bare = await machine(person(true), { apt: false });
  assert.equal(bare.calls, []);
  assert.match(bare.said, skipped);
  const failing = await machine(person(true), { installs: false });
  assert.match(failing.said, new RegExp(`This failed: apt-get ${install}`));
  assert.match(failing.said, /viewer, which shows pages, is not installed/);
});

test('programs are looked for in PATH', () => {
  assert.ok(hasProgram('sh') || process.platform === 'win32');
  assert.not(hasProgram('no-such-program'));
});
