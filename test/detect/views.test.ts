import * as assert from 'uvu/assert';
import { viewNames, viewsOf } from '../../src/detect/views.ts';
import { loseToJpeg } from '../../src/image/jpeg-loss.ts';
import { resize } from '../../src/image/resample.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const size = 64;

test('the face as it is comes first, the rest differ from it and from each other', () => {
  const crop = drawnPicture(160, 120, 3);
  const views = viewsOf(crop, size);
  assert.is(views.length, viewNames.length);
  assert.equal(views[0], resize(crop, size, size));
  for (const { width, height } of views) assert.equal([width, height], [size, size]);
  const texts = new Set(views.map(({ data }) => data.toString()));
  assert.is(texts.size, views.length);
});

test('each view is what its name says, at the network\u2019s size', () => {
  const crop = drawnPicture(200, 200, 5);
  const [asItIs, mirrored, jpeg, , half] = viewsOf(crop, size);
  for (let x = 0; x < size; x++) assert.is(mirrored.data[x * 3], asItIs.data[(size - 1 - x) * 3]);
  const lost = { ...asItIs, data: asItIs.data.slice() };
  loseToJpeg(lost, 75);
  assert.equal(jpeg, lost);
  assert.equal(half, resize(resize(asItIs, size / 2, size / 2), size, size));
});

test('a face smaller than the network takes is compressed at its own size', () => {
  const crop = drawnPicture(40, 40, 7);
  const own = { ...crop, data: crop.data.slice() };
  loseToJpeg(own, 75);
  assert.equal(viewsOf(crop, size, ['JPEG 75']), [resize(own, size, size)]);
});
