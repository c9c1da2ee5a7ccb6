import { readFileSync } from 'node:fs';
import * as assert from 'uvu/assert';
import { test } from '../support/run.ts';

interface Entry {
  version?: string;
  dev?: boolean;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  resolved?: string;
  integrity?: string;
  optionalDependencies?: Record<string, string>;
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, Entry>;
};
const entries = Object.entries(lock.packages).filter(([path]) => path !== '');

test('the lockfile names no registry, and a digest of every package', () => {
  assert.ok(entries.length > 20);
  for (const [path, { resolved, integrity }] of entries) {
    assert.is(resolved, undefined, path);
    assert.match(integrity ?? '', /^sha512-/, path);
  }
});

/**
 * Whether a locked version is the one that is asked for, or no lower than a.b.c and of the same major for
 * ^a.b.c, of the same major and minor for ~a.b.c.
 */
function fits(locked: string | undefined, wanted: string): boolean {
  const kept = wanted.startsWith('^') ? 1 : wanted.startsWith('~') ? 2 : 0;
  if (locked === undefined || kept === 0) return locked === wanted;
  const [own, least] = [locked, wanted.slice(1)].map((version) => version.split('.').map(Number));
  const order = own.map((part, k) => part - least[k]).find((difference) => difference !== 0) ?? 0;
  return own.slice(0, kept).every((part, k) => part === least[k]) && order >= 0;
}

// npm ci refuses a lockfile that lacks the builds of a package for other platforms, and npm
// writes one where the registry does not have them all.
test('the lockfile holds the builds for every platform', () => {
  for (const [path, { optionalDependencies = {} }] of entries) {
    for (const [name, version] of Object.entries(optionalDependencies)) {
      const locked = lock.packages[`node_modules/${name}`]?.version;
      assert.ok(fits(locked, version), `${path}: ${name} ${version}, locked ${locked}`);
    }
  }
});

test('the lockfile is of this package.json, and what only builds is not installed with the package', () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8'));
  assert.equal(lock.packages[''].dependencies, dependencies);
  assert.equal(lock.packages[''].devDependencies, devDependencies);
  const builders = entries.filter(([path]) => /^node_modules\/(@esbuild\/|esbuild$)/.test(path));
  assert.ok(builders.length > 1);
  for (const [path, { dev }] of builders) assert.ok(dev, path);
});
