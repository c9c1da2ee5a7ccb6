/** The page on this machine alone (Node only): a fixed list of files, and nothing else. */
import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream';
import { LlsmError } from '../../src/base/errors.ts';
import { packageRoot } from '../system/package-root.ts';
import { Compressed, codingFor } from './compress.ts';

/** The folder with the page, as the build makes it: any static host can serve it too. */
export const pageFolder = (): string => join(packageRoot(), 'dist', 'web');

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.jpg': 'image/jpeg',
  '.wasm': 'application/wasm',
  '.safetensors': 'application/octet-stream',
  '.txt': 'text/plain; charset=utf-8',
  '.json': 'application/json',
};

/** What grows smaller by compression; pictures and weights hardly do. */
const compressible = new Set(['.html', '.js', '.css', '.svg', '.wasm', '.txt', '.json']);

/** What the page may do: its own files, WebAssembly, and nothing of anybody else. */
export const policy = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const headers = {
  'content-security-policy': policy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(self), microphone=(), geolocation=()',
  'cache-control': 'no-cache',
};

/** Files by the path of their URL. What is not in the list does not exist, whatever is asked. */
function filesOf(folder: string): Map<string, string> {
  if (!existsSync(join(folder, 'index.html'))) {
    throw new LlsmError(`${folder} holds no page: in a checkout, \`npm run build\` makes it`);
  }
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile() && types[extname(path)] !== undefined);
  const files = new Map(
    paths.map((path) => [`/${relative(folder, path).split(sep).join('/')}`, path]),
  );
  files.set('/', join(folder, 'index.html'));
  return files;
}

/** The name in a Host header is one of this machine's own: another page cannot pose as this one. */
function isOwn(host: string | undefined): boolean {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? '');
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${why}\n`);
}

async function answer(
  files: ReadonlyMap<string, string>,
  compressed: Compressed,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!isOwn(request.headers.host)) {
    refuse(response, 403, 'This server answers to localhost alone.');
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    refuse(response, 405, 'There is nothing to send here: the page keeps its pictures.');
    return;
  }
  const [path] = (request.url ?? '/').split(/[?#]/);
  const file = files.get(path);
  if (file === undefined) {
    refuse(response, 404, 'There is no such file.');
    return;
  }
  const { size, mtimeMs } = statSync(file);
  const type = { ...headers, 'content-type': types[extname(file)] };
  const reading = request.method !== 'HEAD';
  if (compressible.has(extname(file))) {
    const vary = { ...type, vary: 'accept-encoding' };
    const coding = codingFor(request.headers['accept-encoding']?.toString());
    if (coding) {
      const bytes = await compressed.of(file, coding, mtimeMs);
      const length = { 'content-encoding': coding, 'content-length': bytes.length };
      response.writeHead(200, { ...vary, ...length });
      response.end(reading ? bytes : undefined);
      return;
    }
    response.writeHead(200, { ...vary, 'content-length': size });
  } else response.writeHead(200, { ...type, 'content-length': size });
  if (!reading) response.end();
  // A reader who has gone needs no file.
  else pipeline(createReadStream(file), response, () => {});
}

/** A server that listens. */
export interface Serving {
  url: string;
  server: Server;
}

/**
 * Serves the page on this machine's loopback address.
 * @param port 0 for any that is free
 * @throws LlsmError where there is no page, or the port is taken
 */
export async function servePage(port: number, folder = pageFolder()): Promise<Serving> {
  const files = filesOf(folder);
  const compressed = new Compressed();
  const server = createServer((request, response) => {
    answer(files, compressed, request, response).catch(() => {
      // A file of the list that is no longer there: the page was built anew.
      if (response.headersSent) response.destroy();
      else refuse(response, 503, 'The page has changed: start `llsm serve` again.');
    });
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      failed(
        new LlsmError(
          taken
            ? `port ${port} is taken: name another with --port, or 0 for any that is free`
            : `port ${port} cannot be listened on: ${error.message}`,
        ),
      );
    });
    server.listen(port, '127.0.0.1', listening);
  });
  const { port: own } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${own}/`, server };
}
