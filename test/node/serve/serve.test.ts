import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
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
const { url, server } = await servePage(0, folder);
const { port } = new URL(url);
test.after(() => {
  server.close();
  rmSync(base, { recursive: true, force: true });
});

/** Asks for a path as it is written, which fetch would tidy. */
function ask(
  path: string,
  { method = 'GET', host = `127.0.0.1:${port}` } = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((done, failed) => {
    const options = { host: '127.0.0.1', port, path, method, headers: { host } };
    const asked = request(options, async (response) => {
      let body = '';
      for await (const piece of response) body += piece;
      done({ status: response.statusCode ?? 0, headers: response.headers, body });
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
