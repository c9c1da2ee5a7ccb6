import { spawn } from 'node:child_process';
import { once } from 'node:events';
import * as assert from 'uvu/assert';
import { llsm } from '../support/command.ts';
import { test } from '../support/run.ts';

test('serve prints its address, answers, and ends with Ctrl-C', async () => {
  const child = spawn(process.execPath, ['bin/llsm.js', 'serve', '--port', '0']);
  const ended = once(child, 'exit');
  const [line] = await once(child.stdout, 'data');
  const url = String(line).trim();
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  const response = await fetch(url);
  assert.is(response.status, 200);
  assert.match(await response.text(), '<title>LLSM');
  child.kill('SIGINT');
  assert.is((await ended)[0], 0);
});

test('serve refuses what is no port', () => {
  const { status, stderr } = llsm(['serve', '--port', '70000']);
  assert.is(status, 2);
  assert.match(stderr, 'port');
});
