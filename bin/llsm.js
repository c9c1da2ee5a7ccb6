#!/usr/bin/env node
// The llsm command: builds a checkout whose sources changed, then runs what was built.
if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(`llsm needs Node 20 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
process.setSourceMapsEnabled(true);

try {
  const { ensureBuilt } = await import('../scripts/build.js');
  await ensureBuilt();
} catch (error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  console.error(
    code === 'ERR_MODULE_NOT_FOUND'
      ? 'The packages are not installed: run `npm ci` in the folder of llsm first.'
      : `llsm could not be built: ${message}`,
  );
  process.exit(1);
}
await import(new URL('../dist/cli/main.js', import.meta.url).href);
