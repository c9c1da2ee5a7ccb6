/** What a worker and its queue count, as OpenMetrics text on a loopback port (Node only). */
import { createServer, type Server } from 'node:http';
import { LlsmError, messageOf } from '../../../src/base/errors.ts';
import type { ScanLine } from '../line.ts';
import type { Connection } from './connect.ts';
import { statusOf } from './status.ts';

const stages = ['read', 'decode', 'find', 'judge'] as const;

/** Counts of one worker since its start. */
export class WorkerCounts {
  readonly files = new Map<string, number>();
  readonly #seconds = new Map<string, number>(stages.map((stage) => [stage, 0]));
  #bytes = 0;
  /** Files that were looked at. */
  looked = 0;

  add(what: string, count = 1): void {
    this.files.set(what, (this.files.get(what) ?? 0) + count);
  }

  addLine(line: ScanLine): void {
    this.add(line.verdict ?? 'dropped');
    this.looked++;
    this.#bytes += line.size ?? 0;
    for (const stage of stages) {
      this.#seconds.set(stage, (this.#seconds.get(stage) ?? 0) + line.times[stage] / 1000);
    }
  }

  /** The worker's part of the text. */
  text(): string {
    return [
      family('llsm_scan_worker_files', 'counter', 'Files of this worker, by what became of them.', [
        ...[...this.files].map(([outcome, count]): Sample => ['_total', { outcome }, count]),
      ]),
      family(
        'llsm_scan_worker_stage_seconds',
        'counter',
        'Time in stages, summed over files in hand.',
        [...[...this.#seconds].map(([stage, sum]): Sample => ['_total', { stage }, sum])],
      ),
      family('llsm_scan_worker_bytes', 'counter', 'Bytes of the files.', [
        ['_total', {}, this.#bytes],
      ]),
      family(
        'llsm_scan_worker_memory_bytes',
        'gauge',
        'Memory of the process that talks to Redis.',
        [['', {}, process.memoryUsage.rss()]],
      ),
    ].join('');
  }
}

type Sample = [suffix: string, labels: Record<string, string>, value: number];

function family(name: string, type: string, help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([suffix, labels, value]) => {
    const inside = Object.entries(labels).map(([key, text]) => `${key}=${JSON.stringify(text)}`);
    return `${name}${suffix}${inside.length > 0 ? `{${inside.join(',')}}` : ''} ${value}\n`;
  });
  return `# TYPE ${name} ${type}\n# HELP ${name} ${help}\n${lines.join('')}`;
}

/** All of it, as OpenMetrics 1.0 has it. */
export async function metricsText(connection: Connection, counts: WorkerCounts): Promise<string> {
  const { jobs, totals, uncollected, memory, workers } = await statusOf(connection);
  return [
    counts.text(),
    family('llsm_scan_jobs', 'gauge', 'Jobs in the queue, by state.', [
      ...Object.entries(jobs).map(([state, count]): Sample => ['', { state }, count]),
    ]),
    family('llsm_scan_files', 'counter', 'Results of all workers, by what they say.', [
      ...Object.entries(totals).map(([outcome, count]): Sample => ['_total', { outcome }, count]),
    ]),
    family('llsm_scan_uncollected', 'gauge', 'Results that wait for the collector.', [
      ['', {}, uncollected],
    ]),
    family('llsm_scan_workers', 'gauge', 'Workers that are connected.', [['', {}, workers]]),
    family('llsm_scan_redis_memory_bytes', 'gauge', "Redis's memory.", [['', {}, memory]]),
    '# EOF\n',
  ].join('');
}

/**
 * Answers /metrics on 127.0.0.1.
 * @param port 0: any that is free
 * @throws LlsmError where the port is taken
 */
export async function serveMetrics(
  port: number,
  text: () => Promise<string>,
): Promise<{ port: number; close: () => void }> {
  const server: Server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') {
      response.writeHead(404).end();
      return;
    }
    text().then(
      (body) => {
        const type = 'application/openmetrics-text; version=1.0.0; charset=utf-8';
        response.writeHead(200, { 'content-type': type }).end(body);
      },
      (error) => response.writeHead(503).end(messageOf(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(new LlsmError(`Metrics cannot be served on port ${port}: ${messageOf(error)}`));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
