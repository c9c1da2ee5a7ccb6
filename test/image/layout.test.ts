import { parseHTML } from 'linkedom';
import * as assert from 'uvu/assert';
import { drawPng } from '../../node/files/drawing.ts';
import { encodePng } from '../../node/files/image.ts';
import { decodeImage } from '../../src/image/codecs.ts';
import { viridis } from '../../src/image/colours.ts';
import {
  column,
  drawing,
  label,
  paragraph,
  picture,
  row,
  scale,
  textWidth,
} from '../../src/image/layout.ts';
import { paint } from '../../src/image/paint.ts';
import type { RgbImage } from '../../src/image/rgb.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

const pixel = (image: RgbImage, x: number, y: number) => [
  ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
];
const textsOf = (svg: string) =>
  [...parseHTML(svg).document.querySelectorAll('text')].map((element) => element.textContent);
/** The columns of a picture in which anything is not white. */
const inked = ({ width, data }: RgbImage): number[] => [
  ...new Set([...data.keys()].filter((i) => data[i] < 128).map((i) => Math.floor(i / 3) % width)),
];

test('pictures lie where they belong, pixel upon pixel, and survive PNG', async () => {
  const [a, b] = [drawnPicture(20, 10, 1), drawnPicture(8, 30, 2)];
  const sheet = drawing(column([row([picture(a), picture(b)], 4), picture(b)], 5), 3);
  assert.equal([sheet.width, sheet.height], [20 + 4 + 8 + 6, 30 + 5 + 30 + 6]);
  const painted = await paint(sheet);
  assert.equal(pixel(painted, 3, 3), pixel(a, 0, 0));
  assert.equal(pixel(painted, 3 + 20 + 4 + 7, 3 + 29), pixel(b, 7, 29));
  assert.equal(pixel(painted, 3, 3 + 35), pixel(b, 0, 0));
  assert.equal(pixel(painted, 3 + 20 + 1, 3), [255, 255, 255]);
  assert.equal((await decodeImage(encodePng(painted), 'sheet')).data, painted.data);
  assert.equal((await decodeImage(await drawPng(sheet), 'sheet')).data, painted.data);
});

test('text is drawn in the letters of the font, and bold ones are darker', async () => {
  const draw = (text: string, bold = false) =>
    paint(drawing(label(text, 300, { size: 20, bold }), 0));
  const ink = ({ data }: RgbImage) => data.reduce((sum, value) => sum + 255 - value, 0);
  const [wide, narrow, bold, blank] = await Promise.all([
    draw('WWWW'),
    draw('iiii'),
    draw('WWWW', true),
    draw(' '),
  ]);
  assert.ok(inked(wide).length > 2 * inked(narrow).length);
  assert.ok(ink(bold) > 1.2 * ink(wide));
  assert.is(ink(blank), 0);
  // Cyrillic and Greek have letters of their own, not all the same box.
  const [zhe, ef] = await Promise.all([draw('Ж'), draw('Ф')]);
  assert.not.equal([...zhe.data], [...ef.data]);
});

test('letters as dark as asked, on white', async () => {
  const { data } = await paint(drawing(label('█■M', 100, { size: 40, colour: '#1d2126' }), 0));
  let darkest = 255;
  for (const value of data) darkest = Math.min(darkest, value);
  assert.ok(Math.abs(darkest - 0x1d) <= 1, `${darkest}`);
});

test('what is measured is no narrower than what is drawn', async () => {
  const samples = [
    'portrait-0-0000_1-self-blend-0-0.png',
    'MWmw@%—ЖЩ',
    'illicit till, 1:1 (l)',
    'Grad-CAM at block11, fixed scale',
    'ÀÉÎõü ßđ 0123456789',
    'AVATAR TOY',
  ];
  for (const text of samples) {
    for (const bold of [false, true]) {
      const style = { size: 30, bold };
      const image = await paint(drawing(label(text, 3000, style), 10));
      const last = Math.max(...inked(image));
      const measured = textWidth(text, style);
      assert.ok(last - 10 <= measured, `${text}: drawn ${last - 10}, measured ${measured}`);
      assert.ok(measured < 1.6 * (last - 10), `${text}: ${measured} for ${last - 10}`);
    }
  }
});

test('a line that does not fit loses its middle, a text goes on in further lines', () => {
  const name = 'a-very-long-name-of-a-photograph-from-a-telephone-20261124.jpg';
  const [short] = textsOf(drawing(label(name, 150)).svg) as string[];
  assert.match(short, /^a-very.*….*\.jpg$/);
  assert.ok(textWidth(short) <= 150);
  assert.equal(textsOf(drawing(label('fits', 150)).svg), ['fits']);
  const words = 'one two three four five six seven eight nine ten';
  const lines = textsOf(drawing(paragraph(words, 120)).svg) as string[];
  assert.ok(lines.length > 2);
  assert.is(lines.join(' '), words);
  for (const line of lines) assert.ok(textWidth(line) <= 120, line);
});

test('what comes from outside is text, also where XML could not hold it', async () => {
  const evil = '<image href="x"/>&amp;"\u0000\u001b[31m\ud800';
  const sheet = drawing(label(evil, 900));
  assert.is(parseHTML(sheet.svg).document.querySelectorAll('image').length, 0);
  assert.equal(textsOf(sheet.svg), ['<image href="x"/>&amp;"\ufffd\ufffd[31m\ufffd']);
  assert.ok(inked(await paint(sheet)).length > 100);
});

test('scale: the palette from its first to its last colour', async () => {
  const bar = await paint(drawing(scale(viridis, '0 low', '1 high', 100), 0));
  assert.equal(pixel(bar, 0, 5), [...viridis[0]]);
  assert.equal(pixel(bar, 99, 5), [...viridis[10]]);
});
