import * as assert from 'uvu/assert';
import { encodePng } from '../../node/files/image.ts';
import { addPngText, pngSize, readPngText } from '../../src/image/png.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

test('text goes in and comes out, the picture stays what it was', () => {
  const png = encodePng(drawnPicture(9, 5));
  const texts = { Comment: 'made forgery', Author: 'Zoë' };
  const marked = addPngText(png, texts);
  assert.equal(readPngText(marked), texts);
  assert.equal(readPngText(png), {});
  assert.equal(pngSize(marked, 'p'), { width: 9, height: 5 });
  assert.is(marked.length, png.length + 12 + 'Comment\0made forgery'.length + 12 + 10);
});
