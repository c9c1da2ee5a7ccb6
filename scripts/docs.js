/**
 * `node scripts/docs.js [FOLDER]`: makes docs/api (or FOLDER) from the docstrings of what package.json
 * exports. TypeDoc has packages of its own (scripts/docs), which this installs; nothing else needs them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const tools = join(root, 'scripts', 'docs');
const out = resolve(process.argv[2] ?? join(root, 'docs', 'api'));

/**
 * @param {string} command
 * @param {string[]} args
 * @param {string} cwd
 */
function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`${command} ${args.join(' ')} failed`);
    process.exit(1);
  }
}

if (!existsSync(join(tools, 'node_modules', 'typedoc'))) {
  run('npm', ['ci', '--ignore-scripts'], tools);
}
rmSync(out, { recursive: true, force: true });
const doors = ['src/index.ts', 'src/engine.ts', 'node/index.ts'];
run(
  process.execPath,
  [
    join(tools, 'node_modules', 'typedoc', 'bin', 'typedoc'),
    ...doors.flatMap((door) => ['--entryPoints', join(root, door)]),
    ...['--tsconfig', join(tools, 'tsconfig.json')],
    ...['--plugin', join(tools, 'node_modules', 'typedoc-plugin-markdown', 'dist', 'index.js')],
    ...['--out', out, '--readme', 'none', '--name', 'llsm', '--outputFileStrategy', 'modules'],
    ...['--excludePrivate', '--excludeInternal', '--disableSources', '--hideBreadcrumbs'],
    ...[
      '--skipErrorChecking',
      '--logLevel',
      'Warn',
      '--useCodeBlocks',
      '--validation.notExported',
      'false',
    ],
  ],
  root,
);
