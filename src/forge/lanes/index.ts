// The pixel work of forging for WebAssembly's vectors of four floats, compiled by AssemblyScript.
// Pointers lead into memory that scratch.ts hands out; nothing here allocates.
export { blur, runningBlur } from './blur';
export { layOver, moments, recolour, recolourEach, sum } from './colour';
export { loseToJpeg } from './jpeg';
export { curve, mirror, narrow, noise, round, stretch, widen } from './planes';
export { resample, sample } from './resample';
export { bilateral, median, pad, twice } from './traces';
