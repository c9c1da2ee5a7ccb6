#!/usr/bin/env node
// The scan of archives, measured and tried; see main.ts.
import { ensureBuilt } from '../../scripts/build.js';

await ensureBuilt();
await import(new URL('../../dist/bench/scan/main.js', import.meta.url).href);
