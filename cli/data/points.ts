import type { Command } from 'commander';
import { markPoints, type PointsResult } from '../../node/sets/points.ts';
import { withProgress } from './summary.ts';

interface Options {
  facefinder?: string;
  json?: true;
}

export function register(data: Command): void {
  data
    .command('points <set...>')
    .description(
      "Finds the 68 landmarks of data sets' faces and writes them into their manifests: forging then " +
        'has outlines that follow the face. Faces that have them are left as they are.',
    )
    .option('--facefinder <file>', 'a face finder with a landmark network (default: the own one)')
    .option('--json', 'print the result as JSON')
    .action(run);
}

async function run(sets: string[], { facefinder, json }: Options): Promise<void> {
  const { openGpu } = await import('../gpu.ts');
  const { loadFinder } = await import('../../node/files/finder.ts');
  const gpu = await openGpu();
  const finder = await loadFinder(gpu, facefinder);
  const results: (PointsResult & { set: string })[] = [];
  try {
    for (const set of sets) {
      const result = await withProgress('faces', 1, (progress) =>
        markPoints(set, finder, progress),
      );
      results.push({ set, ...result });
    }
  } finally {
    finder.dispose();
    gpu.device.destroy();
  }
  if (json) {
    console.log(JSON.stringify(results));
    return;
  }
  for (const { set, marked, before, unsure } of results) {
    const left = unsure.length > 0 ? `; of ${unsure.length} none that could be believed` : '';
    console.log(`${set}: 68 points of ${marked} faces, ${before} had them before${left}`);
  }
}
