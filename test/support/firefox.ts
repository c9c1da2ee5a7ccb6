/** Firefox as it is installed, driven by WebDriver BiDi; its WebGPU computes on Mesa's software driver. */
import puppeteer, { type Browser } from 'puppeteer-core';
import { pathOf } from '../../scripts/tools.js';

/** Nothing here is about how long a software driver takes on a busy machine. */
const patience = 500_000;

/** Starts Firefox; tests call `needTool('firefox-esr')` before. */
export function launchFirefox({ webgpu = true } = {}): Promise<Browser> {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: pathOf('firefox-esr'),
    headless: true,
    timeout: patience,
    protocolTimeout: patience,
    extraPrefsFirefox: {
      'dom.webgpu.enabled': webgpu,
      'dom.webgpu.workers.enabled': webgpu,
      'gfx.webgpu.ignore-blocklist': true,
      // No GPU is looked for to draw the page itself.
      'gfx.webrender.software': true,
    },
  });
}
