/** What the library stands on in a page: the browser's adapter, and files from where this code came from. */
import { LlsmError } from '../src/base/errors.ts';
import { bytesAsTheyCome, fetchBytes } from '../src/base/fetch.ts';
import { type Host, namedFolder, type ReadOptions, sha256Of } from '../src/detect/host.ts';
import { openGpu } from '../src/gpu/device.ts';
import { codecFiles, provideCodecs } from '../src/image/codecs.ts';

/** The networks beside this code, as they were when it was built. */
declare const LLSM_FILES: Record<string, { sha256: string; bytes: number }>;

/** One of our own files: beside this code, or where the application says. */
function beside(name: string): URL {
  const folder = namedFolder();
  if (folder === undefined) return new URL(name, import.meta.url);
  const slash = String(folder).endsWith('/') ? '' : '/';
  return new URL(`${folder}${slash}${name}`, globalThis.location?.href);
}

const cacheName = 'llsm';

/** What the browser keeps of a file; undefined where it keeps nothing, as in a private window. */
async function kept(key: string): Promise<Response | undefined> {
  try {
    return await (await caches.open(cacheName)).match(key);
  } catch {
    return undefined;
  }
}

/** Keeps a file in place of earlier ones of its name; a browser that refuses fetches it again. */
async function keep(key: string, bytes: Uint8Array): Promise<void> {
  try {
    const cache = await caches.open(cacheName);
    const [name] = key.split('?');
    for (const old of await cache.keys()) {
      if (old.url.split('?')[0] === name) await cache.delete(old);
    }
    const headers = { 'content-length': String(bytes.length) };
    await cache.put(key, new Response(bytes as Uint8Array<ArrayBuffer>, { headers }));
  } catch {
    // Without room it goes on without.
  }
}

/**
 * One of our own files, from the browser's cache where it is there.
 * @throws LlsmError where it cannot be fetched, or is not the file that this code was built with
 */
async function ownFile(url: URL, sha256: string, options: ReadOptions): Promise<Uint8Array> {
  const key = `${url.href}?sha256=${sha256}`;
  const known = await kept(key);
  if (known) {
    const bytes = await bytesAsTheyCome(known, options.onBytes);
    if ((await sha256Of(bytes)) === sha256) return bytes;
  }
  const bytes = await fetchBytes(url, options);
  const found = await sha256Of(bytes);
  if (found !== null && found !== sha256) {
    throw new LlsmError(
      `${url.href} is not the file that this page was built with (its SHA-256 is ${found}): ` +
        'put all of its files there again, and reload',
    );
  }
  await keep(key, bytes);
  return bytes;
}

const browsers =
  'Chrome and Edge have it from 113, Safari from 26, Firefox on Windows from 141 and on macOS from 145';

/** @throws LlsmError where this browser has none, saying which have */
function webGpu(): GPU {
  if (navigator.gpu) return navigator.gpu;
  throw new LlsmError(
    globalThis.isSecureContext
      ? `This browser has no WebGPU. ${browsers}.`
      : 'WebGPU needs a page from https or from this machine (localhost).',
  );
}

export const pageHost: Host = {
  get weights() {
    return beside('llsm.safetensors');
  },
  get finder() {
    return beside('facefinder.safetensors');
  },
  async openGpu() {
    const gpu = webGpu();
    if (!(await gpu.requestAdapter())) {
      throw new LlsmError(
        `This browser has WebGPU, but found no adapter for it. Switch on hardware acceleration in its settings, or update the graphics driver. ${browsers}.`,
      );
    }
    // The screen is drawn by the same adapter, between two submits.
    return openGpu(gpu, { longestSubmit: 12 });
  },
  read(source, options) {
    const url = new URL(source, globalThis.location?.href);
    const own = Object.entries(LLSM_FILES).find(([name]) => beside(name).href === url.href);
    return own ? ownFile(url, own[1].sha256, options) : fetchBytes(url, options);
  },
};

provideCodecs(async (codec) => {
  const name = codecFiles[codec].split('/').at(-1) as string;
  return WebAssembly.compile((await fetchBytes(beside(name))) as Uint8Array<ArrayBuffer>);
});
