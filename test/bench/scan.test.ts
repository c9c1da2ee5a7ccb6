import { resolve } from 'node:path';
import * as assert from 'uvu/assert';
import { chaos } from '../../bench/scan/chaos.ts';
import { temporaryFolder } from '../support/pictures.ts';
import { test } from '../support/run.ts';
import { needTool } from '../support/tools.ts';

test('workers, Redis, network, disks, clocks and collector fail: nothing is lost, nothing doubled', async () => {
  needTool('redis-server');
  needTool('prlimit');
  const faults = {
    ...{ worker: 5, redis: 1, network: 2, disk: 2, clock: 2, collector: 1 },
    ...{ redisDisk: 1, redisClock: 2 },
  };
  const result = await chaos({
    ...{ folder: temporaryFolder(), programs: resolve('dist/bench/scan'), faults },
    ...{ workers: 2 },
  });
  const { files, lines, missing, doubled, givenUp } = result;
  assert.ok(files >= 256);
  assert.equal([lines, missing, doubled, givenUp], [files, 0, 0, 0], JSON.stringify(result));
  // The disk was full where something was written, which depends on the other faults.
  assert.equal({ ...result.faults, disk: 0 }, { ...faults, disk: 0 });
});
