import { copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { OwnRedis } from '../../bench/scan/redis.ts';
import { encodePng } from '../../node/files/image.ts';
import { parseLine, type ScanLine } from '../../node/scan/line.ts';
import { sha256Of } from '../../node/system/sha256.ts';
import { version } from '../../src/base/version.ts';
import { encodeJpeg } from '../../src/image/codecs.ts';
import { llsm } from '../support/command.ts';
import { drawnPicture, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { signalledAt } from '../support/signals.ts';
import { needTool } from '../support/tools.ts';

const folder = temporaryFolder();
const weights = fileURLToPath(
  new URL('../../../test/golden/mlp/weights.safetensors', import.meta.url),
);
const archive = join(folder, 'archive');
mkdirSync(join(archive, 'more'), { recursive: true });
const save = (name: string, bytes: Uint8Array): string => {
  const path = join(archive, name);
  writeFileSync(path, bytes);
  return path;
};
const pictures: string[] = [];
for (let i = 0; i < 6; i++) {
  pictures.push(save(`${i}.jpg`, await encodeJpeg(drawnPicture(100 + i, 90, i), 90)));
}
const png = encodePng(drawnPicture(64, 64, 9));
pictures.push(save('a.png', png), save('more/b.png', png));
const broken = save('broken.png', png.subarray(0, png.length >> 1));
const all = [...pictures, broken].sort();

const look = ['--weights', weights, '--faces', 'whole'];
const scan = (out: string, more: string[] = [], source = archive, options: string[] = []) =>
  llsm(['scan', source, '--out', out, ...look, ...more], {}, options);
const read = (out: string): ScanLine[] =>
  readFileSync(out, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => parseLine(text, out));
const filesOf = (lines: readonly ScanLine[]): string[] => lines.map(({ file }) => file).sort();
/** What a line says, without when and how fast, and which of several alike files came first. */
const said = (lines: readonly ScanLine[]) =>
  lines
    .map(({ times: _, sameAs: __, modified: ___, copyOf: ____, ...line }) => line)
    .sort((a, b) => (a.file < b.file ? -1 : 1));

const whole = join(folder, 'whole.ndjson');

test('a folder: a line a file, with all that says where it comes from; run again nothing is done', () => {
  const { status, stdout, stderr } = scan(whole);
  assert.is(status, 0, stderr);
  assert.match(
    stdout,
    /^9 files: 8 looked at, 0 had a line before, 1 have another file's bytes or pixels\.$/m,
  );
  assert.match(stdout, /^1: the PNG is cut short/m);
  const lines = read(whole);
  assert.equal(filesOf(lines), all);
  const line = lines.find(({ file }) => file === pictures[0]) as ScanLine;
  assert.is(line.sha256, sha256Of(pictures[0]));
  assert.is(line.weights, sha256Of(weights));
  assert.equal([line.version, line.threshold?.rule, line.tries], [version, 'uncalibrated', 1]);
  assert.is(line.faces[0].views.length, 5);
  assert.match(line.print ?? '', /^[0-9a-f]{64}$/);
  assert.ok(
    line.times.decode > 0 && line.times.judge > 0 && !Number.isNaN(Date.parse(line.times.at)),
  );
  const [a, b] = lines.filter(({ file }) => /\.png$/.test(file) && file !== broken);
  assert.equal(b.sameAs, { file: a.file, by: 'bytes' });
  assert.equal(b.faces, a.faces);
  const bytes = readFileSync(whole);
  const again = scan(whole);
  assert.is(again.status, 0, again.stderr);
  assert.match(again.stdout, /^9 files: 0 looked at, 9 had a line before, 0 have/m);
  assert.ok(readFileSync(whole).equals(bytes));
});

test('files that differ in their metadata alone are looked at once, told in the line', () => {
  const bytes = readFileSync(pictures[0]);
  const comment = Buffer.from([0xff, 0xfe, 0, 7, ...Buffer.from('hello')]);
  const [noted, other] = ['noted.jpg', 'other.jpg'].map((name) => join(folder, name));
  writeFileSync(noted, Buffer.concat([bytes.subarray(0, 2), comment, bytes.subarray(2)]));
  copyFileSync(pictures[1], other);
  const list = join(folder, 'noted.txt');
  writeFileSync(list, `${pictures[0]}\n${noted}\n${other}\n`);
  const out = join(folder, 'noted.ndjson');
  const { status, stdout, stderr } = scan(out, [], list);
  assert.is(status, 0, stderr);
  assert.match(stdout, /^3 files: 2 looked at, 0 had a line before, 1 have another/m);
  const same = read(out).find(({ sameAs }) => sameAs !== null) as ScanLine;
  const first = read(out).find(({ file }) => file === same.sameAs?.file) as ScanLine;
  assert.equal([first.file, same.file].sort(), [pictures[0], noted].sort());
  assert.equal(same.sameAs, { file: first.file, by: 'pixels' });
  assert.equal([same.faces, same.verdict, same.pixels], [first.faces, first.verdict, first.pixels]);
  assert.is(same.sha256, sha256Of(same.file));
  assert.is.not(same.sha256, first.sha256);
});

test('the same numbers as `llsm detect`', () => {
  const args = ['detect', pictures[0], pictures[1], ...look, '--json', '--batch', '8'];
  const { results } = JSON.parse(llsm(args).stdout);
  for (const { file, faces, verdict } of results) {
    const line = read(whole).find((other) => other.file === file) as ScanLine;
    assert.is(line.verdict, verdict);
    const off = Math.abs((line.faces[0].probability as number) - faces[0].probability);
    assert.ok(off < 1e-5, String(off));
  }
});

test('killed at a write, torn, interrupted: it goes on to the same lines', () => {
  const out = join(folder, 'killed.ndjson');
  const killed = scan(out, [], archive, signalledAt('SIGKILL', /killed\.ndjson$/, 3));
  assert.is(killed.status, null);
  assert.is(read(out).length, 2);
  writeFileSync(out, readFileSync(out).subarray(0, -20));
  const stopped = scan(out, [], archive, signalledAt('SIGINT', /killed\.ndjson$/, 2));
  assert.is(stopped.status, 75, stopped.stderr);
  assert.match(stopped.stderr, /ended inside a line: \d+ bytes were cut off/);
  assert.match(stopped.stdout, /^Stopped\. Run it again to go on/m);
  const count = read(out).length;
  assert.ok(count >= 3 && count <= 9, String(count));
  const last = scan(out);
  assert.is(last.status, 0, last.stderr);
  assert.equal(said(read(out)), said(read(whole)));
});

test('a list, shards, and standard input; a file that is gone is a line and tried again', () => {
  const gone = join(folder, 'gone.jpg');
  const list = join(folder, 'list.txt');
  writeFileSync(list, [...pictures, gone, ''].join('\r\n'));
  const outs = [1, 2].map((i) => {
    const out = join(folder, `shard${i}.ndjson`);
    const { status, stderr } = scan(out, ['--shard', `${i}/2`, '--views', 'one'], list);
    assert.is(status, 0, stderr);
    return read(out);
  });
  assert.ok(outs.every(({ length }) => length > 0));
  const lines = outs.flat();
  assert.equal(filesOf(lines), [...pictures, gone].sort());
  const line = lines.find(({ file }) => file === gone) as ScanLine;
  assert.match(line.error?.message ?? '', /gone\.jpg does not exist/);
  assert.is(line.sha256, null);
  copyFileSync(pictures[0], gone);
  const out = join(folder, outs[0].includes(line) ? 'shard1.ndjson' : 'shard2.ndjson');
  assert.is(
    scan(out, ['--shard', `${outs[0].includes(line) ? 1 : 2}/2`, '--views', 'one'], list).status,
    0,
  );
  const last = read(out).at(-1) as ScanLine;
  assert.equal([last.file, last.error], [gone, null]);
  rmSync(gone);
});

test('through a queue: the same lines; URLs of an allowed prefix alone', async () => {
  needTool('redis-server');
  const home = join(folder, 'redis');
  mkdirSync(home);
  const redis = await OwnRedis.start(home);
  const queue = ['--queue', redis.url];
  const command = (name: string, args: string[] = []) => {
    const outcome = llsm(['scan', name, ...args, ...queue, ...look]);
    assert.is(outcome.status, 0, `${name}: ${outcome.stderr}`);
    return outcome.stdout;
  };
  assert.match(command('enqueue', [archive, '--group', '3']), /^9 files in 3 jobs\.$/m);
  assert.match(command('status'), /^Jobs: 3 waiting$/m);
  command('work', ['--until-empty', '--metrics', '0']);
  const out = join(folder, 'queue.ndjson');
  assert.match(
    command('collect', ['--out', out]),
    /^9 lines were added to .*, which has 9 files; 0 results/m,
  );
  assert.equal(said(read(out)), said(read(whole)));
  const { totals, uncollected } = JSON.parse(command('status', ['--json']));
  assert.equal([uncollected, totals.dropped, totals['same bytes']], [0, 1, 1]);
  assert.match(llsm(['scan', 'dead', ...queue, ...look]).stderr, /No job was given up/);
  await redis.kill();
});

test('files by URL: of an allowed prefix alone, without redirects', async () => {
  // A server in a process of its own, since `llsm` is waited for.
  const { spawn } = await import('node:child_process');
  const program = `
    const { createServer } = require('node:http');
    const { readFileSync } = require('node:fs');
    createServer((request, response) => {
      if (request.url === '/ok/moved.jpg') response.writeHead(302, { location: '/ok/0.jpg' }).end();
      else if (!/^\\/(ok|no)\\/0\\.jpg$/.test(request.url)) response.writeHead(404).end();
      else response.end(readFileSync(${JSON.stringify(pictures[0])}));
    }).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;
  const server = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  const port = Number(String(await new Promise((resolve) => server.stdout.once('data', resolve))));
  const base = `http://127.0.0.1:${port}`;
  const list = join(folder, 'urls.txt');
  const names = ['ok/0.jpg', 'no/0.jpg', 'ok/gone.jpg', 'ok/../no/0.jpg', 'ok/moved.jpg'];
  writeFileSync(list, names.map((name) => `${base}/${name}\n`).join(''));
  const out = join(folder, 'urls.ndjson');
  const { status, stderr } = scan(out, ['--allow-url', `${base}/ok/`, '--views', 'one'], list);
  server.kill();
  assert.is(status, 75, stderr); // the redirect could be gone another time
  const of = (name: string) => read(out).find(({ file }) => file === `${base}/${name}`) as ScanLine;
  assert.equal([of(names[0]).error, of(names[0]).sha256], [null, sha256Of(pictures[0])]);
  assert.match(of(names[1]).error?.message ?? '', /is under no URL that this worker may fetch/);
  assert.match(of(names[2]).error?.message ?? '', /the server answered 404/);
  assert.match(of(names[3]).error?.message ?? '', /is under no URL that this worker may fetch/);
  assert.match(
    of(names[4]).error?.message ?? '',
    /given up after 3 tries: .*cannot be fetched.*redirect/,
  );
});

test('without the packages of a queue, it says what to install', () => {
  const hooks = `
    export async function resolve(name, context, next) {
      if (name !== 'bullmq') return next(name, context);
      throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
    }`;
  const hooked = JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`);
  const register = `import { register } from 'node:module'; register(${hooked});`;
  const options = ['--import', `data:text/javascript,${encodeURIComponent(register)}`];
  const args = ['scan', 'status', '--queue', 'redis://127.0.0.1:1', ...look];
  const { status, stderr } = llsm(args, {}, options);
  assert.is(status, 1);
  assert.match(stderr, /needs two packages .*: `npm install bullmq ioredis`/);
});

test('called wrongly it exits with 2; where no Redis answers, with 75', () => {
  const out = join(folder, 'none.ndjson');
  const wrong: [RegExp, string[]][] = [
    [/name a list of files, a folder, or -/, ['--out', out]],
    [/--out says where the lines go/, [archive]],
    [/is a file to look at, not a list/, [pictures[0], '--out', out]],
    [/It must be i\/n/, [archive, '--out', out, '--shard', '3/2']],
    [/ends with "\/"/, [archive, '--out', out, '--allow-url', 'http://host/pictures']],
    [/required option '--queue/, ['status']],
    [/is no Redis's URL/, ['status', '--queue', 'localhost']],
  ];
  for (const [pattern, args] of wrong) {
    const { status, stdout, stderr } = llsm(['scan', ...args]);
    assert.equal([status, stdout], [2, ''], `${args}: ${stderr}`);
    assert.match(stderr, pattern);
  }
  assert.not.ok(existsSync(out));
  const { status, stderr } = llsm(['scan', 'status', '--queue', 'redis://127.0.0.1:1', ...look]);
  assert.is(status, 75, stderr);
  assert.match(stderr, /No Redis answers at redis:\/\/127\.0\.0\.1:1/);
});
