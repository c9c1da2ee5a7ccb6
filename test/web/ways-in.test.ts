/** Ways in which a picture comes to the page besides a file: pasted, and from the camera. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { launch, servePage, visit } from '../support/browser.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { suite } from '../support/run.ts';
import { needTool } from '../support/tools.ts';
import { ffmpeg } from '../support/videos.ts';

const test = suite('ways in');
const patience = 400_000;
const sample = 'web/static/samples/anna-mouth.jpg';

/** Waits until a picture of that name has been looked at. */
async function judged(page: Page, name: string): Promise<void> {
  await page.waitForFunction(
    (wanted) =>
      document.querySelector('#status')?.hasAttribute('hidden') &&
      document.querySelector('#details dd')?.textContent === wanted,
    name,
  );
  assert.is(await page.locator('#stage button').count(), 1);
}

test('a picture that is pasted, and one that is filmed', async () => {
  needTool('chromium');
  needTool('ffmpeg');
  const film = join(temporaryFolder(), 'film.mjpeg');
  ffmpeg('-loop', '1', '-framerate', '10', '-t', '1', '-i', sample, '-c:v', 'mjpeg', film);
  const serving = await servePage(0);
  const browser = await launch([
    ...['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
    `--use-file-for-fake-video-capture=${film}`,
  ]);
  try {
    const { page, complaints } = await visit(browser, serving);
    page.setDefaultTimeout(patience);
    await page.evaluate((content) => {
      const data = new DataTransfer();
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      data.items.add(new File([bytes], '', { type: 'image/jpeg' }));
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
    }, readFileSync(sample).toString('base64'));
    await judged(page, 'pasted');

    await page.click('#film');
    await page.waitForFunction(
      () => (document.querySelector('#film-view') as HTMLVideoElement).videoWidth > 0,
    );
    const stream = await page.evaluateHandle(
      () => (document.querySelector('#film-view') as HTMLVideoElement).srcObject as MediaStream,
    );
    await page.click('#shoot');
    assert.ok(await page.isHidden('#camera'));
    // The camera's light is off.
    const states = await stream.evaluate((it) =>
      it.getTracks().map(({ readyState }) => readyState),
    );
    assert.equal(states, ['ended']);
    await judged(page, 'camera');
    assert.equal(complaints, []);
  } finally {
    await browser.close();
    serving.server.close();
  }
});
