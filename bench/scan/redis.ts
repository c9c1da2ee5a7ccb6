/** A Redis of one's own: on a free loopback port, in a folder, ended with whoever started it. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { openSync, readdirSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address ? address.port : 0;
}

export class OwnRedis {
  #process: ChildProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly options: readonly string[],
  ) {
    process.on('exit', () => this.#process?.kill('SIGKILL'));
  }

  /** @param folder for its append-only file and its log */
  static async start(folder: string, options: readonly string[] = []): Promise<OwnRedis> {
    const redis = new OwnRedis(await freePort(), folder, options);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it, or starts it again after `kill`. */
  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'redis.log'), 'a');
    this.#process = spawn(
      // What is written beyond a limit on files is an error then, as on a full disk, and not the end.
      'bash',
      [
        ...['-c', 'trap "" XFSZ; exec redis-server "$@"', '--'],
        ...['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.folder, '--save', ''],
        ...['--appendonly', 'yes', '--maxmemory-policy', 'noeviction', ...this.options],
      ],
      { stdio: ['ignore', log, log] },
    );
    for (let tries = 0; !(await this.#answers()); tries++) {
      if (tries > 600 || this.#process.exitCode !== null) {
        throw new Error(`redis-server did not start: see ${join(this.folder, 'redis.log')}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Whether it answers PING; while it loads its file it does not. */
  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, '127.0.0.1');
      socket.on('error', () => resolve(false));
      socket.on('connect', () => socket.write('PING\r\n'));
      socket.on('data', (data) => {
        resolve(data.toString().startsWith('+PONG'));
        socket.destroy();
      });
    });
  }

  /** Has its disk be full, in the middle of the next thing that it writes, or no longer so. */
  fillDisk(full: boolean): void {
    const folder = join(this.folder, 'appendonlydir');
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    const bytes = full ? Math.max(...sizes) + 100 : 'unlimited';
    const { status, stderr } = spawnSync('prlimit', [
      ...['--pid', `${this.#process?.pid}`, `--fsize=${bytes}:`],
    ]);
    if (status !== 0) throw new Error(`prlimit: ${stderr}`);
  }

  /** Ends it, by default without giving it time for anything. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await gone;
  }
}
