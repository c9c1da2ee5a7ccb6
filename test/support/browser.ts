/** The page in a real browser: Chromium on SwiftShader, so that it needs no GPU. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { type Serving, servePage } from '../../node/serve/serve.ts';

const programs = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The browser that is installed; undefined where none is. */
export const chromiumPath: string | undefined = programs.find((path) => existsSync(path));

/** Why tests are skipped where there is no browser. */
export const noChromium =
  'no Chromium is installed (on Debian and Ubuntu: apt install chromium), which runs the page';

export function launch(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
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

export { type Serving, servePage };
