/** The page in a real browser: Chromium on SwiftShader, so that it needs no GPU. */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { type Serving, servePage } from '../../node/serve/serve.ts';
import { pathOf } from '../../scripts/tools.js';

/** Starts Chromium; tests call `needTool('chromium')` before. */
export function launch(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: pathOf('chromium'),
    args: [
      ...['--no-sandbox', '--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader'],
      ...more,
    ],
  });
}

/** A page with what it said and asked for, which the tests look at afterwards. */
export interface Watched {
  page: Page;
  context: BrowserContext;
  /** Errors and warnings on the console, and what was thrown. */
  complaints: string[];
  /** Addresses asked for that are not the server's own. */
  outside: string[];
}

/** @param prepare changes the page before it is loaded */
export async function visit(
  browser: Browser,
  { url }: Pick<Serving, 'url'>,
  {
    path = '',
    prepare = async () => {},
    ...options
  }: {
    path?: string;
    prepare?(page: Page): Promise<unknown>;
    viewport?: { width: number; height: number };
    colorScheme?: 'light' | 'dark';
  } = {},
): Promise<Watched> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const watched: Watched = { page, context, complaints: [], outside: [] };
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) watched.complaints.push(message.text());
  });
  page.on('pageerror', (error) => watched.complaints.push(String(error)));
  context.on('request', (request) => {
    const own = request.url().startsWith(url) || /^(blob|data):/.test(request.url());
    if (!own) watched.outside.push(request.url());
  });
  await prepare(page);
  await page.goto(url + path);
  return watched;
}

/** What axe finds wrong with the page as it is. */
export async function wrongFor(page: Page): Promise<string[]> {
  await page.evaluate(readFileSync('node_modules/axe-core/axe.min.js', 'utf8'));
  // biome-ignore lint/suspicious/noExplicitAny: axe is a script of the page
  const found = await page.evaluate(() => (globalThis as any).axe.run());
  return found.violations.flatMap(({ id, nodes }: { id: string; nodes: { html: string }[] }) =>
    nodes.map(({ html }) => `${id}: ${html}`),
  );
}

/** Any static host: the files of a folder, with no more than their types. */
export async function serveFolder(folder: string): Promise<Serving> {
  const types: Record<string, string> = { html: 'text/html', js: 'text/javascript' };
  const server = createServer(async (request, response) => {
    const name = (request.url ?? '/').slice(1) || 'index.html';
    try {
      const bytes = await readFile(join(folder, name));
      const type = types[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, server };
}

export { type Serving, servePage };
