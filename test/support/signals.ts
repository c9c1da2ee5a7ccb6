/** Processes that are interrupted or killed at a chosen moment of their work, however fast it is. */

/**
 * Options for Node with which a process sends itself a signal just before it changes a file for the
 * `nth` time: appends to it, writes to it, or renames what it has written aside into its place.
 * @param file what the file's path has to match
 */
export function signalledAt(signal: 'SIGINT' | 'SIGKILL', file: RegExp, nth = 1): string[] {
  const source = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    import { isMainThread } from 'node:worker_threads';
    if (isMainThread) {
      const { openSync, writeSync, appendFileSync, renameSync } = fs;
      const paths = new Map();
      let left = ${nth};
      const change = (path) => {
        if (${file}.test(path) && --left === 0) process.kill(process.pid, '${signal}');
      };
      fs.openSync = (path, ...rest) => {
        const opened = openSync(path, ...rest);
        paths.set(opened, path);
        return opened;
      };
      fs.writeSync = (opened, ...rest) => {
        change(paths.get(opened));
        return writeSync(opened, ...rest);
      };
      fs.appendFileSync = (path, ...rest) => {
        change(path);
        appendFileSync(path, ...rest);
      };
      fs.renameSync = (from, to) => {
        change(to);
        renameSync(from, to);
      };
      syncBuiltinESMExports();
    }`;
  return ['--import', `data:text/javascript,${encodeURIComponent(source)}`];
}
