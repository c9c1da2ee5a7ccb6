/**
 * What set-up needs to know of a Debian or Ubuntu machine: its release, its package sources and
 * what apt says of a package. Pure: text in, values out.
 */

/**
 * /etc/os-release (its manual page: os-release(5)).
 * @param {string} text
 * @returns {{ ids: string[], name: string, codename: string }} `ids`: the system's own id and
 *   those it is like; `codename`: of the release whose archive it uses, '' if it has none
 */
export function parseOsRelease(text) {
  /** @type {Record<string, string>} */
  const values = {};
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Z0-9_]+)=(.*?)\s*$/.exec(line);
    if (match) values[match[1]] = match[2].replace(/^(["'])(.*)\1$/, '$2');
  }
  const ids = [values.ID ?? '', ...(values.ID_LIKE ?? '').split(/\s+/)].filter(Boolean);
  // A derivative (Mint, LMDE) names itself in VERSION_CODENAME.
  const codename = values.UBUNTU_CODENAME || values.DEBIAN_CODENAME || values.VERSION_CODENAME;
  return {
    ids,
    name: values.PRETTY_NAME ?? values.NAME ?? 'this system',
    codename: codename ?? '',
  };
}

/**
 * @param {string} version a Debian package version, e.g. `25.0.7-2~bpo12+1` or `1:22.3.6-1`
 * @returns {[number, number] | null} major and minor of the upstream version
 */
export function upstreamVersion(version) {
  const match = /^(?:\d+:)?(\d+)\.(\d+)/.exec(version);
  return match ? [Number(match[1]), Number(match[2])] : null;
}

/**
 * @param {string} version
 * @param {readonly [number, number]} least
 * @returns {boolean} false for a version that cannot be read
 */
export function isAtLeast(version, least) {
  const found = upstreamVersion(version);
  return found !== null && (found[0] - least[0] || found[1] - least[1]) >= 0;
}

/**
 * `LC_ALL=C apt-cache policy PACKAGE`.
 * @param {string} text
 * @returns {{ installed: string | null, candidate: string | null }}
 */
export function parsePolicy(text) {
  /** @param {string} field */
  const version = (field) => {
    const match = new RegExp(`^\\s+${field}:\\s+(\\S+)`, 'm').exec(text);
    return match && match[1] !== '(none)' ? match[1] : null;
  };
  return { installed: version('Installed'), candidate: version('Candidate') };
}

/**
 * The versions that a suite offers, out of `apt-cache madison PACKAGE`, in its order.
 * @param {string} text lines `package | version | archive suite/component arch Packages`
 * @param {string} suite
 * @returns {string[]}
 */
export function versionsIn(text, suite) {
  return text
    .split('\n')
    .map((line) => line.split('|').map((part) => part.trim()))
    .filter((parts) => parts.length === 3 && parts[2].split(/\s+/)[1]?.startsWith(`${suite}/`))
    .map((parts) => parts[1]);
}

/**
 * @typedef {object} Source one enabled binary source
 * @property {'sources' | 'list'} form deb822 stanza, or one line (sources.list(5))
 * @property {string[]} uris
 * @property {string[]} suites
 * @property {(suite: string) => string} withSuite the same source, for one other suite only
 */

/**
 * @param {string} text the content of a `.sources` file
 * @returns {Source[]}
 */
function readStanzas(text) {
  /** @type {Source[]} */
  const found = [];
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const block of lines.join('\n').split(/\n[ \t]*\n/)) {
    /** @type {{ name: string, value: string }[]} */
    const fields = [];
    for (const line of block.split('\n')) {
      const field = /^([^\s:]+):[ \t]*(.*)$/.exec(line);
      if (field) fields.push({ name: field[1], value: field[2].trimEnd() });
      else if (/^\s+\S/.test(line) && fields.length) fields[fields.length - 1].value += `\n${line}`;
    }
    /** @param {string} name */
    const words = (name) =>
      fields
        .filter((field) => field.name.toLowerCase() === name)
        .flatMap((field) => field.value.split(/\s+/).filter(Boolean));
    if (!words('types').includes('deb') || /^(no|false|0|off)$/i.test(words('enabled')[0] ?? '')) {
      continue;
    }
    found.push({
      form: 'sources',
      uris: words('uris'),
      suites: words('suites'),
      withSuite: (suite) =>
        fields
          .map(({ name, value }) => {
            if (name.toLowerCase() === 'types') return `${name}: deb\n`;
            if (name.toLowerCase() === 'suites') return `${name}: ${suite}\n`;
            return value.startsWith('\n') ? `${name}:${value}\n` : `${name}: ${value}\n`;
          })
          .join(''),
    });
  }
  return found;
}

/**
 * @param {string} text the content of `sources.list` or a `.list` file
 * @returns {Source[]}
 */
function readLines(text) {
  /** @type {Source[]} */
  const found = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+([^#]*\S)\s*(?:#.*)?$/.exec(line);
    if (!match) continue;
    const [, options = '', uri, suite, components] = match;
    found.push({
      form: 'list',
      uris: [uri],
      suites: [suite],
      withSuite: (other) => `deb ${options}${uri} ${other} ${components}\n`,
    });
  }
  return found;
}

/**
 * The backports of a release as a source of their own, copied from the machine's source of the
 * release itself (its mirror, components and Signed-By), so that no archive is named here. The
 * security archive has suites of other names, and backports are not in it.
 * @param {{ name: string, text: string }[]} files apt's source files; `name` tells the form
 * @param {string} codename of the release
 * @returns {{ present: true } | { present: false, name: string, text: string } | null} present:
 *   the machine has them already; null: no source of the release was found
 */
export function backportsSource(files, codename) {
  const suite = `${codename}-backports`;
  const sources = files.flatMap(({ name, text }) =>
    name.endsWith('.sources') ? readStanzas(text) : name.endsWith('.list') ? readLines(text) : [],
  );
  if (sources.some((source) => source.suites.includes(suite))) return { present: true };
  const names = [codename, 'stable', 'oldstable', 'oldoldstable'];
  const own = sources.find(
    ({ uris, suites }) =>
      suites.some((name) => names.includes(name)) && !uris.some((uri) => uri.startsWith('cdrom:')),
  );
  if (!own) return null;
  return { present: false, name: `llsm-backports.${own.form}`, text: own.withSuite(suite) };
}
