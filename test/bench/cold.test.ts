import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { Told } from '../../bench/cold-child.ts';
import { writeCheckpoint } from '../../node/files/checkpoint.ts';
import { encodePng } from '../../node/files/image.ts';
import { parseConfig } from '../../src/config/config.ts';
import { initParams } from '../../src/model/llsm/init.ts';
import { drawnPicture } from '../support/pictures.ts';
import { test } from '../support/run.ts';

test('the parts of a first verdict make up its time; pipelines keep within the budget', () => {
  const folder = mkdtempSync(join(tmpdir(), 'llsm-cold-test-'));
  try {
    const config = parseConfig({ width: 0.05, size: 64, llsm: { hidden: 8 } }, 'test');
    const weights = join(folder, 'weights.safetensors');
    const picture = join(folder, 'picture.png');
    writeCheckpoint(weights, initParams(config, 1));
    writeFileSync(picture, encodePng(drawnPicture(64, 64)));
    const start = performance.timeOrigin + performance.now();
    const script = join('dist', 'bench', 'cold-child.js');
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [script, String(start), weights, picture],
      { encoding: 'utf8' },
    );
    const whole = performance.timeOrigin + performance.now() - start;
    assert.is(status, 0, stderr);
    const { stages, processor, pipelines }: Told = JSON.parse(stdout);
    const { compile, ...others } = stages;
    for (const [name, milliseconds] of Object.entries(others)) {
      assert.ok(milliseconds > 0, `${name}: ${milliseconds}`);
    }
    const sum = Object.values(stages).reduce((a, b) => a + b, 0);
    assert.ok(sum < whole, `${sum} of ${whole}`);
    assert.ok(processor > 0 && Number.isFinite(compile));
    assert.ok(pipelines.inference > 5 && pipelines.inference <= 40, `${pipelines.inference}`);
    assert.ok(pipelines.training > 20 && pipelines.training <= 120, `${pipelines.training}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
