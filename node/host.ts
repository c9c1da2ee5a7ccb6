/** What the library stands on in Node: Dawn, files and URLs, and the networks of the package. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { LlsmError, messageOf } from '../src/base/errors.ts';
import { fetchBytes } from '../src/base/fetch.ts';
import type { Host } from '../src/detect/host.ts';
import { defaultFinder } from './files/finder.ts';
import './files/image.ts'; // says where the codecs are
import { defaultWeights } from './files/weights.ts';
import { openTunedGpu } from './gpu/tuned.ts';

/** Dawn, the disk and the network; the process does not end by itself while the adapter is open. */
export const nodeHost: Host = {
  openGpu: () => openTunedGpu(() => {}),
  async read(source, options) {
    const url = source instanceof URL || /^(https?|file):/i.test(source) ? new URL(source) : null;
    if (url && url.protocol !== 'file:') return fetchBytes(url, options);
    const path = url ? fileURLToPath(url) : (source as string);
    try {
      const bytes = await readFile(path, { signal: options.signal });
      options.onBytes?.(bytes.length, bytes.length);
      return bytes;
    } catch (error) {
      options.signal?.throwIfAborted();
      throw new LlsmError(`${path} cannot be read: ${messageOf(error)}`);
    }
  },
  get weights() {
    return defaultWeights();
  },
  get finder() {
    return defaultFinder();
  },
};
