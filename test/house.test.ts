import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import * as assert from 'uvu/assert';
import { test } from './support/run.ts';

/** Rooms from the ground up: each may use those before it. */
const wings = ['src', 'node', 'lab', 'cli'];
const floors = [
  'base',
  'gpu',
  'graph',
  'kernels',
  'config',
  'model',
  'image',
  'faces',
  'forge',
  'detect',
  'measure',
  'train',
];

interface Import {
  from: string;
  to: string;
}

const sources = [...wings, 'bench', 'web'].flatMap((wing) =>
  readdirSync(wing, { recursive: true, encoding: 'utf8' })
    .map((name) => posix.join(wing, name.replaceAll('\\', '/')))
    .filter((path) => path.endsWith('.ts') && !path.includes('node_modules')),
);

const imports: Import[] = sources.flatMap((from) =>
  [
    ...readFileSync(from, 'utf8').matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|^import\s+)'([^']+)'/gm),
  ].map(([, to]) => ({ from, to: to.startsWith('.') ? posix.join(posix.dirname(from), to) : to })),
);

const told = (found: readonly Import[]): string[] =>
  found.map(({ from, to }) => `${from} -> ${to}`);
const wingOf = (path: string): string => path.split('/')[0];
const floorOf = (path: string): number => floors.indexOf(path.split('/')[1]);

test('the sources are found', () => {
  assert.ok(sources.length > 200 && imports.length > 1000, `${sources.length}, ${imports.length}`);
});

test('a room uses only rooms below it', () => {
  const allowed = new Map(wings.map((wing, i) => [wing, wings.slice(0, i + 1)]));
  allowed.set('bench', ['src', 'node', 'lab', 'bench']);
  allowed.set('web', ['src', 'lab', 'web']); // Drawn people are part of it; its types know no Node.
  allowed.get('cli')?.push('bench'); // `llsm bench` is a command like the others.
  const upward = imports.filter(
    ({ from, to }) =>
      (allowed.has(wingOf(to)) || wingOf(to) === 'test') &&
      !allowed.get(wingOf(from))?.includes(wingOf(to)),
  );
  assert.equal(told(upward), []);
});

test('inside src, a folder uses only folders below it', () => {
  const within = imports.filter(({ from, to }) => wingOf(from) === 'src' && wingOf(to) === 'src');
  const folders = new Set(
    sources.filter((path) => wingOf(path) === 'src').map((path) => path.split('/')[1]),
  );
  const unknown = [...folders].filter((name) => !name.includes('.') && !floors.includes(name));
  assert.equal(unknown, [], 'folders that no floor is known of');
  const upward = within.filter(({ from, to }) => floorOf(from) >= 0 && floorOf(to) > floorOf(from));
  assert.equal(told(upward), []);
});

test('src needs nothing of Node', () => {
  const node = imports.filter(
    ({ from, to }) => wingOf(from) === 'src' && (to.startsWith('node:') || to === 'webgpu'),
  );
  assert.equal(told(node), []);
});

test('no file needs itself by way of others', () => {
  const uses = new Map<string, string[]>();
  for (const { from, to } of imports) {
    if (wings.includes(wingOf(to)) || ['bench', 'web'].includes(wingOf(to))) {
      uses.set(from, [...(uses.get(from) ?? []), to]);
    }
  }
  const done = new Set<string>();
  const circles: string[] = [];
  const walk = (path: string, above: string[]): void => {
    if (above.includes(path)) {
      circles.push([...above.slice(above.indexOf(path)), path].join(' -> '));
    } else if (!done.has(path)) {
      for (const next of uses.get(path) ?? []) walk(next, [...above, path]);
      done.add(path);
    }
  };
  for (const path of sources) walk(path, []);
  assert.equal(circles, []);
});
