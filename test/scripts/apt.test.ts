import * as assert from 'uvu/assert';
import {
  backportsSource,
  isAtLeast,
  parseOsRelease,
  parsePolicy,
  upstreamVersion,
  versionsIn,
} from '../../scripts/apt.js';
import { suite } from '../support/run.ts';

const names = suite('release');

names('reads Debian', () => {
  const text = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n`;
  assert.equal(parseOsRelease(text), {
    ids: ['debian'],
    name: 'Debian GNU/Linux 12 (bookworm)',
    codename: 'bookworm',
  });
});

names('takes the codename of the archive that a derivative uses', () => {
  const text = [
    `NAME='Linux Mint'`,
    'ID=linuxmint',
    'ID_LIKE="ubuntu debian"',
    'VERSION_CODENAME=virginia',
    'UBUNTU_CODENAME=jammy',
  ].join('\n');
  assert.equal(parseOsRelease(text), {
    ids: ['linuxmint', 'ubuntu', 'debian'],
    name: 'Linux Mint',
    codename: 'jammy',
  });
});

names('says nothing of a system without the file', () => {
  assert.equal(parseOsRelease(''), { ids: [], name: 'this system', codename: '' });
});

const versions = suite('versions');

versions('reads the upstream part', () => {
  assert.equal(upstreamVersion('25.0.7-2~bpo12+1'), [25, 0]);
  assert.equal(upstreamVersion('1:22.3.6-1+deb12u2'), [22, 3]);
  assert.is(upstreamVersion('(none)'), null);
});

versions('compares as numbers', () => {
  assert.not(isAtLeast('22.3.6-1', [23, 0]));
  assert.ok(isAtLeast('23.0.4-0ubuntu1', [23, 0]));
  assert.ok(isAtLeast('100.1-1', [25, 2]));
  assert.not(isAtLeast('25.1.0-1', [25, 2]));
  assert.not(isAtLeast('unknown', [0, 0]));
});

versions('reads what apt-cache policy prints', () => {
  const text = (installed: string, candidate: string) =>
    `mesa-vulkan-drivers:\n  Installed: ${installed}\n  Candidate: ${candidate}\n  Version table:\n` +
    `     22.3.6-1+deb12u2 500\n        500 mirror bookworm/main amd64 Packages\n`;
  assert.equal(parsePolicy(text('(none)', '22.3.6-1+deb12u2')), {
    installed: null,
    candidate: '22.3.6-1+deb12u2',
  });
  assert.equal(parsePolicy(text('25.0.7-2~bpo12+1', '(none)')), {
    installed: '25.0.7-2~bpo12+1',
    candidate: null,
  });
  assert.equal(parsePolicy(''), { installed: null, candidate: null });
});

versions('finds what a suite offers, and not what its neighbours do', () => {
  const text = [
    ' mesa | 25.0.7-2~bpo12+1 | https://mirror.test/debian bookworm-backports/main amd64 Packages',
    ' mesa | 22.3.6-1+deb12u2 | https://mirror.test/debian bookworm/main amd64 Packages',
    ' mesa | 22.3.6-1+deb12u2 | https://mirror.test/debian bookworm/main Sources',
  ].join('\n');
  assert.equal(versionsIn(text, 'bookworm-backports'), ['25.0.7-2~bpo12+1']);
  assert.equal(versionsIn(text, 'bookworm'), ['22.3.6-1+deb12u2', '22.3.6-1+deb12u2']);
  assert.equal(versionsIn(text, 'trixie'), []);
});

const sources = suite('backports source');

const security = `
Types: deb
URIs: https://mirror.test/debian-security
Suites: bookworm-security
Components: main
`;
const stanza = `# a comment
Types: deb deb-src
URIs: https://mirror.test/debian
Suites: bookworm bookworm-updates
# another
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg
`;

/** The text of the source that is made of one file. */
function made(name: string, text: string, codename = 'bookworm') {
  const source = backportsSource([{ name, text }], codename);
  return source && !source.present ? source : source?.present;
}

sources('copies the stanza of the release, not that of security', () => {
  assert.equal(made('/etc/apt/debian.sources', `${security}\n${stanza}`), {
    present: false,
    name: 'llsm-backports.sources',
    text:
      'Types: deb\nURIs: https://mirror.test/debian\nSuites: bookworm-backports\n' +
      'Components: main contrib\nSigned-By: /usr/share/keyrings/archive.gpg\n',
  });
});

sources('keeps a key that is written into the stanza', () => {
  const key = 'Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END-----\n';
  const text = stanza.replace(/Signed-By.*\n/, key);
  const source = made('a.sources', `${text}\n${security}`);
  assert.type(source, 'object');
  assert.ok((source as { text: string }).text.endsWith(`Components: main contrib\n${key}`));
});

sources('passes over stanzas that are switched off or hold sources only', () => {
  assert.is(made('a.sources', `${stanza}Enabled: no\n`), undefined);
  assert.is(made('a.sources', stanza.replace('deb deb-src', 'deb-src')), undefined);
  assert.is(made('a.sources', security), undefined);
});

sources('copies a line of sources.list with its options', () => {
  const text = [
    '# deb https://off.test/debian bookworm main',
    'deb cdrom:[Debian 12]/ bookworm main',
    'deb-src https://mirror.test/debian bookworm main',
    'deb https://mirror.test/security bookworm-security main',
    'deb [ arch=amd64 signed-by=/k.gpg ] https://mirror.test/debian bookworm main contrib # own',
  ].join('\n');
  assert.equal(made('/etc/apt/sources.list', text), {
    present: false,
    name: 'llsm-backports.list',
    text:
      'deb [ arch=amd64 signed-by=/k.gpg ] https://mirror.test/debian bookworm-backports ' +
      'main contrib\n',
  });
});

sources('names the release where the machine follows stable', () => {
  assert.is(
    (made('a.list', 'deb https://mirror.test/debian stable main') as { text: string }).text,
    'deb https://mirror.test/debian bookworm-backports main\n',
  );
});

sources('sees that the machine has backports already', () => {
  const line = 'deb https://mirror.test/debian bookworm-backports main';
  assert.is(made('a.list', line), true);
  assert.is(made('a.sources', stanza.replace('bookworm-updates', 'bookworm-backports')), true);
  assert.is(made('a.list', `# ${line}`), undefined);
});

sources('reads no file that apt would not read', () => {
  assert.is(made('debian.sources.bak', stanza), undefined);
  assert.is(made('a.sources', stanza, 'trixie'), undefined);
});
