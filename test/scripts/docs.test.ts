/** The API pages are those of the docstrings as they are. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { temporaryFolder } from '../support/pictures.ts';
import { skip, test } from '../support/run.ts';

const pagesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .sort();

test('docs/api is what `npm run docs` makes', () => {
  if (!existsSync('scripts/docs/node_modules/typedoc')) {
    skip('TypeDoc is not there: `npm run docs` installs it');
  }
  const made = join(temporaryFolder(), 'api');
  const { status, stderr } = spawnSync(process.execPath, ['scripts/docs.js', made]);
  assert.is(status, 0, String(stderr));
  assert.equal(pagesIn(made), pagesIn('docs/api'));
  for (const name of pagesIn(made)) {
    const [now, kept] = [made, 'docs/api'].map((folder) =>
      readFileSync(join(folder, name), 'utf8'),
    );
    assert.ok(now === kept, `docs/api/${name} is stale: run \`npm run docs\``);
  }
});
