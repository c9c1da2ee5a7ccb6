/**
 * Memory for the planes of one picture's forging, taken in turn and given back all at once, and the
 * WebAssembly that works in it (`lanes/`). Planes of 0.8 MB left to the garbage collector cost as much
 * time as the work on them.
 */

import { LlsmError } from '../base/errors.ts';
import compiled from './lanes.wasm';
import type { Lanes } from './lanes-api.ts';

/** Vectors run past an array's end by less than this. */
const gap = 64;
const page = 65536;

interface Machine {
  memory: WebAssembly.Memory;
  lanes: Lanes;
}

let machine: Machine | undefined;
let depth = 0;
let top = 0;

function started(): Machine {
  if (machine) return machine;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(compiled as Uint8Array<ArrayBuffer>),
    { env: { memory } },
  );
  machine = { memory, lanes: exports as unknown as Lanes };
  return machine;
}

/**
 * Runs what uses scratch memory. What it takes there is given back when it ends, so nothing of it may
 * be returned, and `run` must not wait for anything.
 * @param room bytes that may be taken, for the outermost call; calls inside of it share that
 * @throws LlsmError where WebAssembly has no such room
 */
export function inScratch<T>(room: number, run: () => T): T {
  const { memory } = started();
  if (depth === 0) {
    // Nothing is held now, so what growing takes away is no one's.
    const more = room + page - memory.buffer.byteLength;
    if (room + page > 2 ** 32) {
      throw new LlsmError(
        `the face's picture is too large to forge: that would take ${Math.ceil(room / 2 ** 20)} MB, and 4095 are the most; make it smaller`,
      );
    }
    if (more > 0) memory.grow(Math.ceil(more / page));
    top = gap;
  }
  const mark = top;
  depth++;
  try {
    return run();
  } finally {
    depth--;
    top = mark;
  }
}

/** Room for the forging of a picture of these sides: twice of what the longest way of all takes. */
export function roomFor({ width, height }: { width: number; height: number }): number {
  // A generator works at up to 256 pixels, whatever the face's size.
  const side = Math.max(width, height, 256);
  return 24 * 12 * side * side;
}

/** @throws TypeError outside of `inScratch`; RangeError where its room is used up */
function take(bytes: number): number {
  if (depth === 0) throw new TypeError('scratch memory is taken inside of inScratch');
  const at = top;
  const end = Math.ceil((at + bytes + gap) / 16) * 16;
  const { byteLength } = started().memory.buffer;
  if (end > byteLength) throw new RangeError(`${end} bytes of scratch memory of ${byteLength}`);
  top = end;
  return at;
}

/** Takes an array whose values are whatever was there before. */
export function floats(count: number): Float32Array {
  return new Float32Array(started().memory.buffer, take(4 * count), count);
}

/** As `floats`, of 8 bits. */
export function bytes(count: number): Uint8ClampedArray {
  return new Uint8ClampedArray(started().memory.buffer, take(count), count);
}

/** Takes a copy of a table: whole numbers of 32 bits, or floats. */
export function table(values: Int32Array | Float32Array): number {
  const at = take(values.byteLength);
  const bits = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  new Uint8Array(started().memory.buffer).set(bits, at);
  return at;
}

/** Where an array lies in scratch memory. @throws TypeError for one that lies elsewhere */
export function placeOf(array: Float32Array | Uint8ClampedArray): number {
  if (array.buffer !== machine?.memory.buffer)
    throw new TypeError('the array is no scratch memory');
  return array.byteOffset;
}

/** Calls the compiled work; with `room`, a place of so many bytes that is its own while it runs. */
export function withLanes<T>(run: (lanes: Lanes, room: number) => T, room = 0): T {
  const mark = top;
  try {
    return run(started().lanes, take(room));
  } finally {
    top = mark;
  }
}
