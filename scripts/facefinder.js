/**
 * The face finder's weights, dist/web/facefinder.safetensors, from the npm package that has them, with
 * the notice of its licence beside it: nothing of them is in the repository.
 */
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Makes it where it is missing, or older than what makes it. Without the package (an installation
 * without development packages) nothing is made; who then asks for faces is told.
 * @param {string} root the checkout's folder
 */
export async function ensureFaceFinder(root) {
  const source = join(root, 'node_modules', '@vladmandic', 'face-api');
  const maker = join(root, 'dist', 'lab', 'convert', 'facefinder', 'face-api-node.js');
  const out = join(root, 'dist', 'web', 'facefinder.safetensors');
  if (!existsSync(source)) return;
  const made = statSync(out, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (made >= statSync(maker).mtimeMs) return;
  mkdirSync(dirname(out), { recursive: true });
  const { writeFinderOfFaceApi } = await import(pathToFileURL(maker).href);
  writeFinderOfFaceApi(source, out);
}
