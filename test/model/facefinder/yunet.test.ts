/** YuNet from its ONNX file, beside onnxruntime on the same file. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { importYunet } from '../../../lab/convert/facefinder/yunet.ts';
import { readImage } from '../../../node/files/image.ts';
import { openNodeGpu } from '../../../node/gpu/open.ts';
import { fitted } from '../../../src/faces/network-finder.ts';
import { sigmoid } from '../../../src/model/facefinder/candidates.ts';
import { yunet } from '../../../src/model/facefinder/yunet.ts';
import { faceApiFolder } from '../../support/face-api.ts';
import { session } from '../../support/onnx.ts';
import { photographs } from '../../support/pictures.ts';
import { test } from '../../support/run.ts';
import { compare, run } from './support.ts';

test('YuNet: all that it says of a photograph', async () => {
  const path = join(photographs('yunet'), 'yunet_n_dynamic.onnx');
  const file = readFileSync(path);
  const side = 320;
  const { square } = fitted(await readImage(join(faceApiFolder, 'demo', 'sample2.jpg')), side);
  const gpu = await openNodeGpu();
  const ours = await run(gpu, importYunet(file, path), square.data, yunet);
  const planes = new Float32Array(3 * side * side);
  for (let i = 0; i < side * side; i++) {
    for (let c = 0; c < 3; c++) planes[c * side * side + i] = square.data[i * 3 + 2 - c];
  }
  const theirs = await (await session(file))({
    input: { shape: [1, 3, side, side], data: planes },
  });
  ours.forEach(({ shape: [, rows, columns, channels], data }, i) => {
    assert.is(channels, 16);
    const cell = 8 << i;
    for (const [name, first, count] of [
      ['cls', 0, 1],
      ['obj', 1, 1],
      ['bbox', 2, 4],
      ['kps', 6, 10],
    ] as const) {
      const part = new Float32Array(rows * columns * count);
      for (let n = 0; n < part.length; n++) {
        const value = data[Math.floor(n / count) * channels + first + (n % count)];
        part[n] = count === 1 ? sigmoid(value) : value;
      }
      const expected = theirs.get(`${name}_${cell}`)?.data;
      assert.ok(expected, `${name}_${cell}`);
      const probability = count === 1 ? 1 : undefined;
      compare(part, expected, `${name} of cells of ${cell} pixels`, probability);
    }
  });
});

test('a file that is no YuNet is refused by name', () => {
  const noOnnx = new TextEncoder().encode('no ONNX at all');
  assert.throws(() => importYunet(noOnnx, 'x.onnx'), /x\.onnx is no ONNX file/);
  assert.throws(
    () => importYunet(new Uint8Array(), 'x.onnx'),
    /x\.onnx is no ONNX file: it has no graph/,
  );
});
