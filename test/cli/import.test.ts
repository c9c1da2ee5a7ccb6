import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readCheckpoint } from '../../node/files/checkpoint.ts';
import { parseConfig } from '../../src/config/config.ts';
import { parseFinder } from '../../src/model/facefinder/checkpoint.ts';
import { call, dict, golden, named, pickle, text, zipFile } from '../lab/convert/import/support.ts';
import { llsm } from '../support/command.ts';
import { photographs, temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const folder = temporaryFolder();
const files = ['timm.pth', 'keras.h5', 'config.json'];
for (const name of files) writeFileSync(join(folder, name), golden(name));
const config = join(folder, 'config.json');
const timm = join(folder, 'timm.pth');
const out = join(folder, 'w.safetensors');

test("a checkpoint with the file's encoder, and a list of what was taken and what was not", () => {
  const args = ['import', timm, '--from', 'timm', '--config', config, '--out', out];
  const { status, stdout, stderr } = llsm(args);
  assert.equal([status, stderr], [0, '']);
  assert.match(
    stdout,
    /w\.safetensors: 234 encoder tensors \([\d,]+ values\) from .*timm\.pth \(timm\)\n/,
  );
  assert.match(stdout, /epsilon 0\.00001 and pool padding torch, as timm has them\n/);
  assert.match(stdout, /not used:\n {2}fc\.weight: not in the encoder\n {2}fc\.bias: /);
  assert.match(stdout, /Begun anew, seed 0: 2 tensors \(head\)\n$/);
  const first = readFileSync(out);
  assert.is(llsm([...args, '--seed', '0']).status, 0);
  assert.ok(readFileSync(out).equals(first));
  assert.is(llsm([...args, '--seed', '1']).status, 0);
  assert.not.ok(readFileSync(out).equals(first));
});

test("--json is for machines; Keras' epsilon and padding travel in the checkpoint", () => {
  const keras = join(folder, 'keras.h5');
  const { status, stdout, stderr } = llsm([
    'import',
    keras,
    '--from',
    'keras',
    '--config',
    config,
    '--out',
    out,
    '--json',
  ]);
  assert.equal([status, stderr], [0, '']);
  const result = JSON.parse(stdout);
  assert.equal([result.out, result.from, result.seed], [out, 'keras', 0]);
  assert.equal([result.taken.length, result.missing], [234, []]);
  assert.equal(result.taken[0], {
    name: 'encoder.conv1.weight',
    source: 'block1_conv1/block1_conv1/kernel:0',
  });
  const given = parseConfig(JSON.parse(readFileSync(config, 'utf8')), 'test');
  assert.equal(readCheckpoint(out).config, { ...given, bnEps: 1e-3, poolPad: 'tf' });
});

test('used wrongly it exits with 2, failed with 1, in one message, and leaves nothing behind', () => {
  const evil = join(folder, 'evil.pth');
  const mark = join(folder, 'executed');
  const attack = call(named('os', 'system'), text(`touch ${mark}`));
  writeFileSync(evil, zipFile(pickle(dict(['state_dict', attack]))));
  const none = join(folder, 'none.safetensors');
  const failing: [status: number, message: RegExp, ...args: string[]][] = [
    [2, /required option '--from <source>'/, timm, '--out', none],
    [2, /Allowed choices are timm, cadene, keras/, timm, '--from', 'torch', '--out', none],
    [2, /required option '--out/, timm, '--from', 'timm'],
    [2, /missing required argument 'file'/, '--from', 'timm', '--out', none],
    [2, /is the file to import/, timm, '--from', 'timm', '--out', timm],
    [
      1,
      /^llsm: .*nowhere.* cannot be read/,
      join(folder, 'nowhere'),
      '--from',
      'timm',
      '--out',
      none,
    ],
    [1, /^llsm: .*evil\.pth: .* names os\.system/, evil, '--from', 'timm', '--out', none],
    [1, /config\.json: not a safetensors file/, config, '--from', 'timm', '--out', none],
    [1, /timm\.pth: the encoder is not whole/, timm, '--from', 'timm', '--out', none],
  ];
  for (const [wanted, message, ...args] of failing) {
    const { status, stdout, stderr } = llsm(['import', ...args]);
    assert.equal([status, stdout], [wanted, ''], args.join(' '));
    assert.match(stderr, message);
    assert.not.match(stderr, /\n {4}at /);
  }
  assert.not.ok(existsSync(mark));
  assert.equal(readdirSync(folder).sort(), [...files, 'evil.pth', 'w.safetensors'].sort());
});

test("a face finder of YuNet's file; another file is refused by name", () => {
  const yunet = join(photographs('yunet'), 'yunet_n_dynamic.onnx');
  const finder = join(folder, 'finder.safetensors');
  const args = ['import', yunet, '--from', 'yunet', '--out', finder, '--json'];
  const { status, stdout, stderr } = llsm(args);
  assert.equal([status, stderr], [0, '']);
  const { from, values, tensors } = JSON.parse(stdout);
  assert.equal([from, values, tensors.length], ['yunet', 73840, 82]);
  const parsed = parseFinder(readFileSync(finder), finder);
  assert.equal([parsed.detector, parsed.landmarks], ['yunet', null]);
  assert.match(parsed.licence, /Apache License 2\.0/);
  const wrong = llsm(['import', timm, '--from', 'yunet', '--out', finder]);
  assert.is(wrong.status, 1);
  assert.match(wrong.stderr, /timm\.pth is no/);
});
