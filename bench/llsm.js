#!/usr/bin/env node
// The benchmark: the same as `llsm bench`.
process.argv.splice(2, 0, 'bench');
await import(new URL('../bin/llsm.js', import.meta.url).href);
