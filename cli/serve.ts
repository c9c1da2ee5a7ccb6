import { once } from 'node:events';
import type { Command } from 'commander';
import { wholeNumber } from './arguments.ts';

export function register(program: Command): void {
  program
    .command('serve')
    .description(
      'The page: drop a picture in a browser and see what is found, computed in the browser itself. ' +
        'It is reached from this machine alone, until Ctrl-C.',
    )
    .option('--port <n>', 'where it listens; 0: any port that is free', wholeNumber(0, 65535), 8224)
    .action(serve);
}

async function serve({ port }: { port: number }): Promise<void> {
  const { servePage } = await import('../node/serve/serve.ts');
  const { url, server } = await servePage(port);
  console.log(url);
  console.error('llsm: open it in a browser with WebGPU; Ctrl-C ends it');
  await Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)));
  server.close();
  server.closeAllConnections();
}
