import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import * as assert from 'uvu/assert';
import { codingFor } from '../../../node/serve/compress.ts';
import { policy, servePage } from '../../../node/serve/serve.ts';
import { LlsmError } from '../../../src/base/errors.ts';
import { suite } from '../../support/run.ts';

const test = suite('the page on loopback');
const base = mkdtempSync(join(tmpdir(), 'llsm-serve-'));
const folder = join(base, 'page');
mkdirSync(join(folder, 'samples'), { recursive: true });
writeFileSync(join(base, 'secret.txt'), 'secret');
writeFileSync(join(folder, 'index.html'), '<!doctype html><title>page</title>');
writeFileSync(join(folder, 'samples', 'one.jpg'), 'picture');
writeFileSync(join(folder, '.built'), '');
const code = '// the same line again and again\n'.repeat(200);
for (const name of ['app.js', 'codec.wasm', 'net.safetensors', 'gone.js']) {
  writeFileSync(join(folder, name), code);
}
const { url, server } = await servePage(0, folder);
const { port } = new URL(url);
test.after(() => {
  server.close();
  rmSync(base, { recursive: true, force: true });
});

/** Asks for a path as it is written, which fetch would tidy. */
function ask(
  path: string,
  { method = 'GET', host = `127.0.0.1:${port}`, ...more }: Record<string, string> = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string; bytes: Buffer }> {
  return new Promise((done, failed) => {
    const options = { host: '127.0.0.1', port, path, method, headers: { host, ...more } };
    const asked = request(options, async (response) => {
      const pieces: Buffer[] = [];
      for await (const piece of response) pieces.push(piece);
      const bytes = Buffer.concat(pieces);
      const { statusCode: status = 0, headers } = response;
      done({ status, headers, body: bytes.toString(), bytes });
    });
    asked.on('error', failed);
    asked.end();
  });
}

test('serves the page and its files, with a policy that lets nothing else in', async () => {
  for (const path of ['/', '/index.html', '/?from=somewhere']) {
    const { status, headers, body } = await ask(path);
    assert.is(status, 200, path);
    assert.match(body, '<title>page</title>');
    assert.is(headers['content-security-policy'], policy);
    assert.is(headers['x-content-type-options'], 'nosniff');
  }
  const { status, headers, body } = await ask('/samples/one.jpg');
  assert.equal([status, headers['content-type'], body], [200, 'image/jpeg', 'picture']);
  assert.not.match(policy, /unsafe-(inline|eval'.*unsafe)|\*|https?:/);
  assert.match(policy, "'wasm-unsafe-eval'");
});

test('takes the coding that is weighed most, and none that is refused', () => {
  for (const [accepted, coding] of [
    ['gzip, deflate, br, zstd', 'br'],
    ['gzip', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['br;q=0.2, GZIP; q=0.8', 'gzip'],
    ['*', 'br'],
    ['*;q=0.5, br;q=0', 'gzip'],
    ['identity', undefined],
    ['gzip;q=0, br;q=0', undefined],
    ['gzip;q=much', undefined],
    ['', undefined],
    [undefined, undefined],
  ] as const) {
    assert.is(codingFor(accepted), coding, String(accepted));
  }
});

test('compresses code and text for those who take it, and nothing else', async () => {
  const undo = { br: brotliDecompressSync, gzip: gunzipSync };
  for (const path of ['/app.js', '/codec.wasm', '/']) {
    const plain = await ask(path);
    assert.is(plain.headers['content-encoding'], undefined);
    assert.is(plain.headers.vary, 'accept-encoding');
    for (const coding of ['br', 'gzip'] as const) {
      const accepts = { 'accept-encoding': coding };
      const { status, headers, bytes } = await ask(path, accepts);
      assert.equal([status, headers['content-encoding']], [200, coding], path);
      assert.is(headers['content-type'], plain.headers['content-type']);
      assert.is(headers['content-security-policy'], policy);
      assert.is(Number(headers['content-length']), bytes.length);
      assert.ok(undo[coding](bytes).equals(plain.bytes), path);
      if (path !== '/') assert.ok(bytes.length < plain.bytes.length / 10, `${bytes.length}`);
      const head = await ask(path, { method: 'HEAD', ...accepts });
      assert.equal(
        [head.headers['content-length'], head.bytes.length],
        [headers['content-length'], 0],
      );
    }
  }
  for (const path of ['/net.safetensors', '/samples/one.jpg']) {
    const { headers } = await ask(path, { 'accept-encoding': 'gzip, br' });
    assert.equal([headers['content-encoding'], headers.vary], [undefined, undefined], path);
  }
});

test('a file that was built anew is compressed anew; one that has gone stops nothing', async () => {
  const accepts = { 'accept-encoding': 'br' };
  const path = join(folder, 'app.js');
  writeFileSync(path, 'new();');
  utimesSync(path, new Date(), new Date(Date.now() + 5000));
  const { bytes } = await ask('/app.js', accepts);
  assert.is(brotliDecompressSync(bytes).toString(), 'new();');
  rmSync(join(folder, 'gone.js'));
  for (const headers of [accepts, undefined])
    assert.is((await ask('/gone.js', headers)).status, 503);
  assert.is((await ask('/')).status, 200);
});

test('has no file beside its own, however the path is written', async () => {
  for (const path of [
    '/../secret.txt',
    '/samples/../../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/..\\secret.txt',
    '//secret.txt',
    `${base}/secret.txt`,
    '/samples',
    '/samples/',
    '/.built',
  ]) {
    const { status, body } = await ask(path);
    assert.is(status, 404, path);
    assert.not.match(body, 'secret');
  }
});

test('answers to names of this machine alone', async () => {
  for (const host of [`localhost:${port}`, '127.0.0.1', `[::1]:${port}`]) {
    assert.is((await ask('/', { host })).status, 200, host);
  }
  for (const host of ['example.org', `example.org:${port}`, 'localhost.example.org', '10.0.0.1']) {
    assert.is((await ask('/', { host })).status, 403, host);
  }
});

test('takes nothing in', async () => {
  assert.is((await ask('/', { method: 'POST' })).status, 405);
  assert.equal([(await ask('/', { method: 'HEAD' })).status], [200]);
});

test('is reached on the loopback address alone', () => {
  const address = server.address();
  assert.is(typeof address === 'object' && address?.address, '127.0.0.1');
});

test('says what to do where a port is taken, or there is no page', async () => {
  const failure = async (work: Promise<unknown>): Promise<string> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.instance(error, LlsmError);
    return (error as LlsmError).message;
  };
  assert.match(
    await failure(servePage(Number(port), folder)),
    /is taken: name another with --port/,
  );
  assert.match(await failure(servePage(0, base)), /holds no page/);
});
