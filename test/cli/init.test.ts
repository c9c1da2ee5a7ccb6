import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { readCheckpoint } from '../../node/files/checkpoint.ts';
import { version } from '../../src/base/version.ts';
import { parseConfig } from '../../src/config/config.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { listParams } from '../../src/model/llsm/params.ts';
import { suite } from '../support/run.ts';

// dist/cli/main.js, beside dist/test/cli/init.test.js.
const main = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'llsm-init-'));
const configFile = join(folder, 'tiny.json');
const out = join(folder, 'w.safetensors');
writeFileSync(configFile, '{"width": 0.05, "size": 64}');

const test = suite('llsm init');
test.after(() => rmSync(folder, { recursive: true }));

function llsm(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('writes the checkpoint of its config and seed, and says so', () => {
  const { status, stdout, stderr } = llsm(
    'init',
    '--config',
    configFile,
    '--seed',
    '5',
    '--out',
    out,
  );
  assert.equal([status, stderr], [0, '']);
  assert.match(stdout, /w\.safetensors: [\d,]+ trained values in \d+ tensors \(.* MB\).*seed 5\n$/);
  const config = parseConfig({ width: 0.05, size: 64 }, 'test');
  const read = readCheckpoint(out);
  assert.equal(read.config, config);
  assert.is(read.version, version);
  const wanted = initParams(config, 5).tensors;
  for (const [name, { data }] of read.tensors) assert.equal(data, wanted.get(name)?.data);
});

test('same seed, same bytes; another seed, others', () => {
  const bytes = (seed: string) => {
    assert.is(llsm('init', '--config', configFile, '--seed', seed, '--out', out).status, 0);
    return readFileSync(out);
  };
  const first = bytes('1');
  assert.ok(first.equals(bytes('1')));
  assert.not.ok(first.equals(bytes('2')));
});

test('--json is for machines, --f16 for small files', () => {
  const { status, stdout } = llsm('init', '--config', configFile, '--out', out, '--f16', '--json');
  assert.is(status, 0);
  const result = JSON.parse(stdout);
  assert.equal([result.out, result.config, result.seed], [out, configFile, 0]);
  assert.is(result.tensors, listParams(readCheckpoint(out).config).length);
  assert.is(result.bytes, readFileSync(out).length);
  assert.match(readFileSync(out, 'latin1'), /"F16"/);
});

test('used wrongly it exits with 2 and says how', () => {
  const wrong: [RegExp, ...string[]][] = [
    [/required option '--out <file>'/, 'init'],
    [/unknown option '--sead'/, 'init', '--out', out, '--sead', '1'],
    [/whole number/, 'init', '--out', out, '--seed', '-1'],
    [/whole number/, 'init', '--out', out, '--seed', '1e3'],
    [/whole number/, 'init', '--out', out, '--seed', '4294967296'],
    [/too many arguments/, 'init', 'more', '--out', out],
    [/unknown command 'inti'/, 'inti'],
  ];
  rmSync(out, { force: true });
  for (const [pattern, ...args] of wrong) {
    const { status, stdout, stderr } = llsm(...args);
    assert.equal([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, pattern);
  }
  assert.not.ok(existsSync(out));
  assert.is(llsm().status, 2);
});

test('what fails exits with 1, in one line without a stack, and leaves nothing behind', () => {
  const bad = join(folder, 'bad.json');
  writeFileSync(bad, '{"widht": 1}');
  const failing: [RegExp, ...string[]][] = [
    [/bad\.json: unknown key widht; did you mean width\?/, '--config', bad, '--out', out],
    [/neither a preset .* did you mean small\?/, '--config', 'smal', '--out', out],
    [/none.w cannot be written/, '--config', configFile, '--out', join(folder, 'none', 'w')],
  ];
  for (const [pattern, ...args] of failing) {
    const { status, stdout, stderr } = llsm('init', ...args);
    assert.equal([status, stdout], [1, '']);
    assert.match(stderr, /^llsm: [^\n]*\n$/);
    assert.match(stderr, pattern);
  }
  assert.equal(readdirSync(folder).sort(), ['bad.json', 'tiny.json']);
});

test('help and version go to standard output', () => {
  assert.equal(llsm('--version'), { status: 0, stdout: `${version}\n`, stderr: '' });
  const { status, stdout, stderr } = llsm('init', '--help');
  assert.equal([status, stderr], [0, '']);
  assert.match(stdout, /Usage: llsm init/);
});

test('a reader that has gone is no error to print', async () => {
  const child = spawn(process.execPath, [main, '--help']);
  child.stdout.destroy();
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const status = await new Promise((ended) => child.on('close', ended));
  assert.is(stderr, '');
  assert.is(status, 141);
});
