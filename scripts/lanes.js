// Compiles src/forge/lanes (AssemblyScript) to WebAssembly, for both bundlers.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = 'src/forge/lanes';

/** @type {Promise<Uint8Array> | undefined} */
let made;

/** @returns {Promise<Uint8Array>} the module, compiled where its sources or the compiler have changed */
export function lanes() {
  made ??= kept();
  return made;
}

/** Compiling takes seconds of processor time; what it gave is kept under the hash of all it is made of. */
async function kept() {
  const hash = createHash('sha256');
  for (const name of readdirSync(join(root, folder)).sort()) {
    hash.update(name).update(readFileSync(join(root, folder, name)));
  }
  hash.update(readFileSync(join(root, 'scripts/lanes.js')));
  const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  hash.update(devDependencies.assemblyscript);
  const path = join(root, 'dist', `lanes-${hash.digest('hex').slice(0, 16)}.wasm`);
  if (existsSync(path)) return readFileSync(path);
  const binary = await compile();
  mkdirSync(join(root, 'dist'), { recursive: true });
  // Under another name first: two builds may go on at once, and one may be killed.
  const part = `${path}.${process.pid}`;
  writeFileSync(part, binary);
  renameSync(part, path);
  return binary;
}

async function compile() {
  const { default: asc } = await import('assemblyscript/asc');
  let binary = new Uint8Array();
  let said = '';
  const told = {
    write(/** @type {string | Uint8Array} */ text) {
      said += text;
      return true;
    },
  };
  const { error } = await asc.main(
    [
      `${folder}/index.ts`,
      ...['--outFile', 'lanes.wasm', '--baseDir', root],
      ...['--runtime', 'stub', '--importMemory', '--enable', 'simd', '--noAssert'],
      ...['-O3', '--noExportMemory'],
    ],
    {
      stdout: told,
      stderr: told,
      readFile: (name, base) => {
        try {
          return readFileSync(isAbsolute(name) ? name : join(base, name), 'utf8');
        } catch {
          return null;
        }
      },
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm')) binary = /** @type {Uint8Array<ArrayBuffer>} */ (contents);
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${folder}: ${error.message}\n${said}`);
  return binary;
}

/** @type {import('esbuild').Plugin} makes `import bytes from './lanes.wasm'` the module's bytes */
export const lanesPlugin = {
  name: 'lanes',
  setup(build) {
    build.onResolve({ filter: /\/lanes\.wasm$/ }, () => ({ path: 'lanes', namespace: 'lanes' }));
    build.onLoad({ filter: /.*/, namespace: 'lanes' }, async () => ({
      contents: await lanes(),
      loader: 'binary',
    }));
  },
};
