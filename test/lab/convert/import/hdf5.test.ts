import { Dataset, File, type Group, ready } from 'h5wasm';
import * as assert from 'uvu/assert';
import { isHdf5, readHdf5 } from '../../../../lab/convert/import/hdf5-node.ts';
import { readWeights } from '../../../../lab/convert/import/import-node.ts';
import { LlsmError } from '../../../../src/base/errors.ts';
import { Random } from '../../../../src/base/random.ts';
import { failure } from '../../../support/pictures.ts';
import { test } from '../../../support/run.ts';

const { FS } = await ready;

/** The bytes of an HDF5 file. */
function hdf5(fill: (file: File) => void): Uint8Array {
  const file = new File('made.h5', 'w');
  fill(file);
  file.close();
  return FS.readFile('made.h5') as Uint8Array;
}

function floats(group: Group, name: string, values: number[], shape = [values.length]) {
  group.create_dataset({ name, data: Float32Array.from(values), shape });
}

const small = hdf5((file) => {
  const layer = file.create_group('conv').create_group('conv');
  floats(layer, 'kernel:0', [1, 2, 3, 4, 5, 6], [2, 3]);
  layer.create_dataset({ name: 'double:0', data: Float64Array.of(0.1, 0.2) });
  layer.create_dataset({ name: 'count:0', data: Int32Array.of(7) });
  layer.create_dataset({ name: 'names', data: ['a', 'bc'] });
  floats(
    layer,
    'packed:0',
    Array.from({ length: 1000 }, (_, i) => i % 7),
  );
  file.create_group('optimizer_weights').create_dataset({ name: 'x', data: Float32Array.of(1) });
  file.create_attribute('layer_names', ['conv']);
});

test('the floats of an HDF5 file, by path; the rest and the optimiser are left out', async () => {
  assert.ok(isHdf5(small));
  const tensors = await readWeights(small, 'w.h5');
  assert.equal([...tensors.keys()].sort(), [
    'conv/conv/double:0',
    'conv/conv/kernel:0',
    'conv/conv/packed:0',
  ]);
  const kernel = tensors.get('conv/conv/kernel:0');
  assert.equal(kernel, { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) });
  assert.equal(tensors.get('conv/conv/double:0')?.data, Float32Array.of(0.1, 0.2));
});

test('links to itself, to elsewhere and to nothing lead nowhere', async () => {
  const file = hdf5((made) => {
    const group = made.create_group('a');
    floats(group, 'x', [1]);
    group.create_external_link('/etc/passwd', '/', 'outside');
    group.create_soft_link('/nowhere', 'nothing');
  });
  assert.equal([...(await readHdf5(file, 'w.h5')).keys()], ['a/x']);
  const loop = hdf5((made) => void made.create_group('a').create_hard_link('/a', 'again'));
  const refused = await failure(readHdf5(loop, 'w.h5'));
  assert.instance(refused, LlsmError);
  assert.match(refused.message, /^w\.h5: .*groups are more than 8 deep/);
});

test('a file that declares more than a network holds is refused before it is read', async () => {
  const file = hdf5((made) => {
    // Chunks that were never written take no place in the file.
    made.create_dataset({
      name: 'huge',
      data: new Float32Array(4),
      shape: [4],
      maxshape: [null],
      chunks: [4],
    });
    const huge = made.get('huge');
    if (huge instanceof Dataset) huge.resize([2 ** 31]);
  });
  assert.ok(file.length < 20_000);
  const refused = await failure(readHdf5(file, 'w.h5'));
  assert.match(refused.message, /^w\.h5: .*more than 67108864 values, up to huge \[2147483648\]/);
});

test('damaged files are refused with a reason, whatever the library does', async () => {
  const short = await failure(readHdf5(small.slice(0, 300), 'w.h5'));
  assert.match(
    short.message,
    /^w\.h5: a damaged HDF5 file, or cut short \(truncated file: eof = 300/,
  );
  let refused = 0;
  for (let seed = 0; seed < 12; seed++) {
    const random = new Random(seed, 'hdf5');
    const damaged = small.slice();
    for (let n = random.int(2); n >= 0; n--)
      damaged[8 + random.int(small.length - 8)] = random.int(256);
    try {
      await readHdf5(damaged, 'w.h5', { patience: 20 });
    } catch (error) {
      if (!(error instanceof LlsmError)) throw new Error(`seed ${seed}: ${error}`);
      assert.match(error.message, /^w\.h5: a damaged HDF5 file, or cut short \(.+\)$/);
      refused++;
    }
  }
  assert.ok(refused > 0 && refused < 12, `${refused}`);
});

test('a reader that does not come to an end is given up', async () => {
  const refused = await failure(readHdf5(small, 'w.h5', { patience: 0.001 }));
  assert.match(refused.message, /could not be read within 0\.001 seconds/);
});
