import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { readTorchFile } from '../../../../lab/convert/import/torch-file.ts';
import { temporaryFolder } from '../../../support/pictures.ts';
import { test } from '../../../support/run.ts';
import {
  bytes,
  call,
  dict,
  floats,
  golden,
  goldenTensors,
  int,
  legacyFile,
  named,
  type Part,
  PROTO,
  pickle,
  refuses,
  storage,
  tensor,
  text,
  tuple,
  u64,
  zipFile,
} from './support.ts';

const read = (file: Uint8Array) => readTorchFile(file, 'w.pth');

/** Refused as a zip of the new format, and as a file of the old one. */
function refusesBoth(value: Part, pattern: RegExp) {
  const data = pickle(value);
  const eight = floats(1, 2, 3, 4, 5, 6, 7, 8);
  refuses(() => read(zipFile(data, { 0: eight })), pattern);
  refuses(() => read(legacyFile(data, [['0', 8, eight]])), pattern);
}

const eight = storage('0', 8);

for (const name of ['types.pth', 'types-legacy.pth']) {
  test(`${name}: every type, view and layout has PyTorch's values`, () => {
    const wanted = goldenTensors('types.safetensors');
    const got = read(golden(name));
    assert.equal([...got.keys()].sort(), [...wanted.keys(), 'integers', 'flags'].sort());
    for (const [key, { shape, data }] of wanted) {
      assert.equal(got.get(key)?.shape, shape, key);
      assert.equal(got.get(key)?.data, data, key);
    }
    refuses(() => got.get('integers')?.data, /^w\.pth: storage \d+ is a LongStorage; weights must/);
  });
}

test('a file at an odd place in a Buffer is read as well', () => {
  const data = pickle(dict(['a', tensor(storage('0', 2), 0, [2], [1])]));
  const file = legacyFile(data, [['0', 2, floats(1.5, -2)]]);
  for (const shift of [1, 2, 3]) {
    const moved = Buffer.alloc(file.length + shift);
    moved.set(file, shift);
    assert.equal(read(moved.subarray(shift)).get('a')?.data, Float32Array.of(1.5, -2));
  }
});

test('the state dict is found under the names that training scripts use; Python 2 text is read', () => {
  const inner: Part = ['}(', 'U', 1, 'a', tensor(eight, 2, [2, 2], [1, 2]), 'u'];
  const data = floats(0, 1, 2, 3, 4, 5, 6, 7);
  for (const value of [
    dict(['epoch', int(3)], ['state_dict', inner]),
    dict(['model', dict(['state_dict', inner])]),
    call(named('collections', 'OrderedDict'), [']', tuple(text('net'), inner), 'a']),
  ]) {
    const found = read(zipFile(pickle(value), { 0: data })).get('a');
    assert.equal(found?.shape, [2, 2]);
    assert.equal(found?.data, Float32Array.of(2, 4, 3, 5));
  }
});

test('what would be executed by Python is refused by name, and not executed', () => {
  const mark = join(temporaryFolder(), 'executed');
  const command = text(`touch ${mark}`);
  const stackGlobal: Part = [text('posix'), text('system'), 0x93];
  refusesBoth(call(named('os', 'system'), command), /names os\.system, .* nothing was executed/);
  refusesBoth(call(stackGlobal, command), /STACK_GLOBAL at byte \d+: it names posix\.system/);
  refusesBoth(call(named('builtins', 'eval'), command), /it names builtins\.eval/);
  refusesBoth(call(named('__builtin__', 'getattr'), command), /it names __builtin__\.getattr/);
  refusesBoth([named('subprocess', 'Popen'), tuple(command), 0x81], /it names subprocess\.Popen/);
  refusesBoth(dict(['a', call(named('numpy', 'load'), command)]), /it names numpy\.load/);
  refusesBoth(
    named('torch.nn.modules.conv', 'Conv2d'),
    /it names torch\.nn\.modules\.conv\.Conv2d/,
  );
  refusesBoth(
    named('torch', '_utils._rebuild_tensor.__globals__'),
    /it names torch\._utils\._rebu/,
  );
  refusesBoth(named('constructor', 'constructor'), /it names constructor\.constructor/);
  refusesBoth(['(', command, 'ios\nsystem\n'], /the opcode INST is not allowed/);
  refusesBoth(['(', named('collections', 'OrderedDict'), 'o'], /the opcode OBJ is not allowed/);
  refusesBoth("S'text'\n", /the opcode STRING is not allowed/);
  refusesBoth([0x82, 1], /the opcode EXT1 is not allowed/);
  refusesBoth(0xff, /the opcode 0xff is not allowed/);
  assert.not.ok(existsSync(mark));
});

test('what is named may only be used as torch.save uses it', () => {
  const aTensor = tensor(eight, 0, [8], [1]);
  refusesBoth(call(text('no function')), /it calls what is no function/);
  refusesBoth(call(named('torch', 'FloatStorage'), int(1e9)), /it calls torch\.FloatStorage/);
  refusesBoth([aTensor, dict(['x', int(1)]), 'b'], /BUILD .* sets the attributes of no dictionary/);
  refusesBoth([named('torch._utils', '_rebuild_tensor_v2'), '}R'], /arguments of .* are no tuple/);
  refusesBoth(call(named('torch._utils', '_rebuild_parameter'), '}'), /a Parameter is no tensor/);
  refusesBoth(call(named('collections', 'OrderedDict'), [']', int(1), 'a']), /not made of pairs/);
  refusesBoth([tuple(text('module'), text('x'), text('y')), 'Q'], /refers to something that is no/);
  refusesBoth([tuple(text('storage'), named('torch', 'Size'), text('0')), 'Q'], /no storage/);
  refusesBoth(['}', text('key'), int(1), 'a'], /APPEND .* its target is no list/);
  refusesBoth([']', text('key'), int(1), 's'], /SETITEM .* its target is no dictionary/);
  refusesBoth(['}(', text('key'), 'u'], /a key has no value/);
  refusesBoth(['}', 'h', 7], /nothing was remembered as 7/);
  refusesBoth('s', /the stack is empty/);
  refusesBoth('e', /there is no MARK/);
  refusesBoth([int(1), int(2)], /it ends with 2 values/);
});

test('tensors lie inside of their storages', () => {
  const refusesTensor = (shape: number[], strides: number[], offset = 0, store = eight) =>
    refusesBoth(
      dict(['a', tensor(store, offset, shape, strides)]),
      /does not fit into its storage|not all whole numbers|not as many strides/,
    );
  refusesTensor([9], [1]);
  refusesTensor([2], [1], 7);
  refusesTensor([2, 2], [7, 1]);
  refusesTensor([3, 3], [0, 1]);
  refusesTensor([2], [-1]);
  refusesTensor([-2], [1]);
  refusesTensor([2], [1], -1);
  refusesTensor([2, 2], [1]);
  refusesTensor([2 ** 40, 2 ** 40], [0, 0]);
  refusesTensor([1], [1], 2 ** 60);
  refusesTensor([1, 1, 1, 1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test('storages have the bytes that they are declared with', () => {
  const declared = (length: number, type?: string) =>
    pickle(dict(['a', tensor(storage('0', length, type), 0, [1], [1])]));
  const data = floats(1, 2);
  for (const [length, type] of [
    [3, 'FloatStorage'],
    [1, 'FloatStorage'],
    [2, 'DoubleStorage'],
    [2 ** 50, 'FloatStorage'],
    [2 ** 40, 'ByteStorage'],
  ] as const) {
    refuses(() => read(zipFile(declared(length, type), { 0: data })), /storage 0 is declared with/);
    const lying = legacyFile(declared(length, type), [['0', length, data]]);
    refuses(() => read(lying), /storage 0 is declared with|bytes too many/);
  }
  refuses(() => read(legacyFile(declared(2), [['0', 3, data]])), /with 2 values and has 3/);
  refuses(() => read(legacyFile(declared(2), [])), /storage 0 is missing/);
  refuses(() => read(zipFile(declared(2))), /storage 0 is missing/);
  refuses(
    () => read(legacyFile(declared(2), [['1', 2, data]])),
    /lists storage 1, which no tensor/,
  );
  const twice = dict(['a', tensor(storage('0', 2), 0, [1], [1])], ['b', storage('0', 1)]);
  refusesBoth(twice, /storage 0 is declared twice, differently/);
  const view = [
    tuple(text('storage'), named('torch', 'FloatStorage'), text('0'), text('cpu'), int(2), tuple()),
    'Q',
  ];
  refusesBoth(view, /a storage is a view of another/);
});

test('nothing that repeats or nests takes time or memory', () => {
  // A dictionary that is its own state_dict, lists on lists, and sharing without end.
  refusesBoth(
    ['}q', 1, text('state_dict'), 'h', 1, 's'],
    /no dictionary of tensors|lists storage 0/,
  );
  refusesBoth([new Uint8Array(400_000).fill(0x5d), '0'.repeat(10)], /cut short|values|opcodes/);
  refusesBoth(new Uint8Array(600_000).fill(0x28), /longer than 500000 opcodes/);
  refusesBoth(new Uint8Array(600_000).fill(0x7d), /longer than 500000 opcodes/);
  const doubling: Part = [
    ']q',
    0,
    Array.from({ length: 60 }, () => ['h', 0, 'h', 0, 0x86, 'q', 0, '0']),
  ];
  refusesBoth([doubling, '0', '}'], /no dictionary of tensors|lists storage 0/);
  refusesBoth([doubling, text('os'), 0x93], /STACK_GLOBAL at byte \d+: a name is no text/);
  refusesBoth(
    dict(['a\u001b[2J', tensor(eight, 0, [8], [1])]),
    /what cannot be printed: "a\\u001b\[2J"/,
  );
  refusesBoth(['X', 0xff, 0xff, 0xff, 0xff], /needs 4294967295 more bytes/);
  refusesBoth([0x8d, u64(2n ** 63n)], /more bytes, and/);
  refusesBoth(['c', 'x'.repeat(5000), '\n'], /a name has no end/);
});

test('every beginning of a file is refused as what it is: cut short', () => {
  const data = pickle(dict(['a', tensor(eight, 0, [8], [1])]));
  const values = floats(1, 2, 3, 4, 5, 6, 7, 8);
  for (const file of [zipFile(data, { 0: values }), legacyFile(data, [['0', 8, values]])]) {
    assert.is(read(file).get('a')?.data[7], 8);
    for (let n = 0; n < file.length; n++) refuses(() => read(file.slice(0, n)), /^w\.pth: /);
  }
});

test('zip files that torch.save does not write are refused before they are unpacked', () => {
  const data = pickle(dict(['a', tensor(eight, 0, [8], [1])]));
  const values = { 0: floats(1, 2, 3, 4, 5, 6, 7, 8) };
  const entry = (name: string, content = '') => ({ [name]: bytes(content) });
  refuses(() => read(zipFile(data, values, entry('w/constants.pkl'))), /a TorchScript program/);
  refuses(() => read(zipFile(data, values, entry('w/byteorder', 'big'))), /big-endian/);
  refuses(() => read(zipFile(data, values, entry('v/data.pkl'))), /2 data\.pkl in it/);
  const empty = bytes('PK', 3, 4, new Uint8Array(26), 'PK', 5, 6, new Uint8Array(18));
  refuses(() => read(empty), /not of torch\.save: 0 data\.pkl/);

  const good = zipFile(data, values);
  const central = good.findIndex((_, i) => Buffer.from(good).readUInt32LE(i) === 0x02014b50);
  const end = good.length - 22;
  const patched = (...changes: [at: number, values: number[]][]) => {
    const file = good.slice();
    for (const [at, list] of changes) file.set(list, at);
    return file;
  };
  // The method and the sizes stand in the central directory at 10, 20 and 24, its offset in the end.
  refuses(() => read(patched([central + 10, [8]])), /compressed, which torch\.save never does/);
  refuses(() => read(patched([central + 24, [0, 0, 0, 0x7f]])), /compressed/);
  const huge = [0, 0, 0, 0x7f];
  refuses(() => read(patched([central + 20, huge], [central + 24, huge])), /larger than the file/);
  refuses(() => read(patched([central + 42, [0xff, 0xff, 0, 0]])), /cut short/);
  refuses(() => read(patched([end + 8, [0xff, 0xff, 0xff, 0xff]])), /damaged|has no name/);
  refuses(() => read(patched([end + 16, [0xff, 0xff, 0xff, 0x7f]])), /damaged|has no name/);
  // Zip64, with four thousand million entries.
  const record = bytes('PK', 6, 6, new Uint8Array(28), u64(2 ** 32 - 1), u64(0), u64(central));
  const locator = bytes('PK', 6, 7, new Uint8Array(4), u64(end), new Uint8Array(4));
  const many = bytes(good.slice(0, end), record, locator, good.slice(end));
  refuses(() => read(many), /damaged|has no name|again/);
});

test('other pickles and other versions are named for what they are', () => {
  refuses(() => read(pickle(dict(['a', int(1)]))), /a pickle, but not of torch\.save/);
  const old = legacyFile(pickle('}'), []);
  const version = bytes(int(1001));
  const at = Buffer.from(old).indexOf(Buffer.from(version));
  old[at + 1]++;
  refuses(() => read(old), /in PyTorch's format 1002/);
  refuses(() => read(bytes(PROTO[0], 9, 'N.')), /protocol 9 is not known/);
  refuses(
    () => read(zipFile(pickle(dict(['lr', int(1)])))),
    /holds no dictionary of tensors: save/,
  );
});
