import { LlsmError } from '../base/errors.ts';
import { joinLaunches } from './join.ts';
import type { Graph, Launch, Slice } from './record.ts';
import { type FlatHome, isFlat, type Tensor } from './tensor.ts';

/** Limits of the adapter that the planner needs, in bytes. */
export interface PlanLimits {
  maxStorageBufferBindingSize: number;
  maxBufferSize: number;
  minStorageBufferOffsetAlignment: number;
}

/** One dispatch: a launch over one slice. */
export interface Dispatch {
  launch: Launch;
  slice: Slice;
}

/** Memory that tensors with disjoint lives share; one GPU buffer. */
export interface Slot {
  bytes: number;
  tensors: Tensor[];
}

export interface MemoryPlan {
  /** Dispatches that run once, and again when weights have changed; their results live as long as the plan. */
  preparations: Dispatch[];
  dispatches: Dispatch[];
  slots: Slot[];
  slotOf: Map<Tensor, number>;
  inputs: Tensor[];
  /** Number of rows of each tensor of partial results. */
  rows: ReadonlyMap<Tensor, number>;
  /**
   * First items of slices that begin where an adapter cannot bind, of inputs whose items are smaller
   * than its alignment: from each, the rest of the input is stored once more, at an aligned place.
   */
  shifts: Map<Tensor, number[]>;
  /** Flat buffers that the plan works on, which come on top of `bytes`. */
  homes: Set<FlatHome>;
  /** Bytes of slots and inputs. */
  bytes: number;
  /** Tensors at the moment when most bytes are alive: no sharing of slots goes below. Inputs always live. */
  peak: { bytes: number; tensors: Tensor[] };
}

const roundUp = (n: number, to: number): number => Math.ceil(n / to) * to;

/**
 * Joins launches that can be one, cuts them into batch slices that fit the binding limit, sizes the partial rows, and lets
 * tensors whose lives do not overlap share memory. Pure: nothing is allocated here.
 * @throws LlsmError when one item of the batch, or as many as the adapter's alignment asks for, are
 * larger than a binding may be.
 */
export function planMemory(graph: Graph, limits: PlanLimits): MemoryPlan {
  const rows = new Map<Tensor, number>();
  const cut = (launches: readonly Launch[]): Dispatch[] =>
    launches.flatMap((launch) => {
      const cuts = slices(launch, graph.batch, limits);
      if (launch.partial) rows.set(launch.partial.tensor, rowsOf(launch, cuts));
      return cuts.map((slice) => ({ launch, slice }));
    });
  const preparations = cut(graph.preparations);
  const launches = joinLaunches(graph.launches, limits.maxStorageBufferBindingSize);
  const dispatches = cut(launches);
  for (const { launch } of [...preparations, ...dispatches]) {
    for (const tensor of Object.values(launch.bind)) {
      if (bytesIn(rows, tensor) === 0) {
        throw new LlsmError(`${launch.kernel.name}: ${tensor.name} is empty when it is bound`);
      }
      const bytes = bytesIn(rows, tensor);
      if (!tensor.batched && bytes > limits.maxStorageBufferBindingSize) {
        throw new LlsmError(
          `${tensor.name} takes ${bytes} bytes, and this adapter binds at most ` +
            `${limits.maxStorageBufferBindingSize}`,
        );
      }
    }
  }
  const lives = lifetimes(graph.preparations, launches);
  const temps = [...lives.keys()].filter((tensor) => tensor.home === 'temp');
  const inputs = [...lives.keys()].filter((tensor) => tensor.home === 'input');
  for (const tensor of temps) {
    if (lives.get(tensor)?.unwritten) {
      throw new LlsmError(`${tensor.name} is read before anything writes it`);
    }
  }
  const { slots, slotOf } = share(temps, lives, rows);
  for (const tensor of [...temps, ...inputs]) {
    const bytes = bytesIn(rows, tensor);
    if (bytes > limits.maxBufferSize) {
      throw new LlsmError(
        `${tensor.name} takes ${bytes} bytes, and this adapter's buffers hold ` +
          `${limits.maxBufferSize}: use a batch of at most ` +
          `${Math.floor(graph.batch / Math.ceil(bytes / limits.maxBufferSize))}`,
      );
    }
  }
  const shifts = shiftsOf(dispatches, limits.minStorageBufferOffsetAlignment);
  const inputBytes = inputs.reduce(
    (sum, tensor) => sum + placeBytes(tensor) * (1 + (shifts.get(tensor)?.length ?? 0)),
    0,
  );
  const peak = peakOf(temps, lives, rows, graph.preparations.length + launches.length);
  return {
    preparations,
    dispatches,
    slots,
    slotOf,
    inputs,
    rows,
    shifts,
    homes: new Set([...lives.keys()].map(({ home }) => home).filter(isFlat)),
    bytes: slots.reduce((sum, slot) => sum + slot.bytes, 0) + inputBytes,
    peak: { bytes: peak.bytes + inputBytes, tensors: [...inputs, ...peak.tensors] },
  };
}

/** Rows of partial results that a launch writes in all its slices. */
function rowsOf({ partial }: Launch, cuts: readonly Slice[]): number {
  const last = cuts[cuts.length - 1];
  return partial ? last.row + partial.rows(last.count) : 0;
}

/** Bytes of a tensor in a plan that has counted its partial rows. */
export const bytesIn = (rows: MemoryPlan['rows'], tensor: Tensor): number =>
  rows.has(tensor) ? (rows.get(tensor) ?? 0) * tensor.shape[1] * 4 : tensor.bytes;

/** Bytes that a dispatch binds of a tensor. */
export const boundBytes = (rows: MemoryPlan['rows'], tensor: Tensor, { count }: Slice): number =>
  tensor.batched ? tensor.itemBytes * count : bytesIn(rows, tensor);

/** Bytes from one place of a tensor to the next, aligned for every adapter. */
export const placeBytes = (tensor: Tensor): number => roundUp(tensor.bytes, 256);

/**
 * An input with small items need not be cut where an adapter can bind: see `MemoryPlan.shifts`. Bytes
 * can only be stored once more from whole words on.
 */
const isShiftable = (tensor: Tensor, alignment: number): boolean =>
  tensor.home === 'input' && tensor.itemBytes < alignment && tensor.dtype !== 'u8';

function shiftsOf(dispatches: readonly Dispatch[], alignment: number): Map<Tensor, number[]> {
  const shifts = new Map<Tensor, number[]>();
  for (const { launch, slice } of dispatches) {
    for (const tensor of Object.values(launch.bind)) {
      if (!tensor.batched || (slice.first * tensor.itemBytes) % alignment === 0) continue;
      const known = shifts.get(tensor) ?? [];
      if (!known.includes(slice.first)) shifts.set(tensor, [...known, slice.first]);
    }
  }
  return shifts;
}

function slices(launch: Launch, batch: number, limits: PlanLimits): Slice[] {
  let most = batch;
  let step = 1;
  for (const tensor of Object.values(launch.bind)) {
    if (!tensor.batched) continue;
    const item = tensor.itemBytes;
    most = Math.min(most, Math.floor(limits.maxStorageBufferBindingSize / item));
    const alignment = limits.minStorageBufferOffsetAlignment;
    if (!isShiftable(tensor, alignment)) step = lcm(step, alignedItems(item, alignment));
  }
  const fits = most;
  if (most < batch) most -= most % step;
  if (most < 1) {
    const worst = Object.values(launch.bind).filter((t) => t.batched);
    const names = worst.map((t) => `${t.name} [${t.shape.slice(1).join(', ')}]`).join(', ');
    throw new LlsmError(
      fits < 1
        ? `${launch.kernel.name}: one item of ${names} is more than this adapter binds ` +
            `(${limits.maxStorageBufferBindingSize} bytes): use a smaller size`
        : `${launch.kernel.name}: ${names} can only be cut at every ${step}th item, and this ` +
            `adapter binds no more than ${fits}: use a batch of at most ${fits}`,
    );
  }
  const out: Slice[] = [];
  let row = 0;
  for (let first = 0; first < batch; first += most) {
    const count = Math.min(most, batch - first);
    out.push({ first, count, row });
    row += launch.partial?.rows(count) ?? 0;
  }
  return out;
}

/** Items between starts that the adapter allows as a binding's offset. */
function alignedItems(itemBytes: number, alignment: number): number {
  return alignment / gcd(itemBytes, alignment);
}

const gcd = (a: number, b: number): number => (b ? gcd(b, a % b) : a);
const lcm = (a: number, b: number): number => (a / gcd(a, b)) * b;

interface Life {
  from: number;
  to: number;
  unwritten: boolean;
}

function lifetimes(
  preparations: readonly Launch[],
  launches: readonly Launch[],
): Map<Tensor, Life> {
  const lives = new Map<Tensor, Life>();
  const all = [...preparations, ...launches];
  all.forEach((launch, at) => {
    for (const { name, access } of launch.kernel.bindings) {
      const tensor = launch.bind[name];
      const life = lives.get(tensor);
      const to = tensor.keep || at < preparations.length ? all.length : at;
      if (life) life.to = Math.max(life.to, to);
      else lives.set(tensor, { from: at, to, unwritten: access === 'read' });
    }
  });
  return lives;
}

/** Assigns slots: largest tensor first, each into the tightest slot that is free over its whole life. */
function share(
  tensors: readonly Tensor[],
  lives: ReadonlyMap<Tensor, Life>,
  rows: MemoryPlan['rows'],
) {
  const slots: Slot[] = [];
  const slotOf = new Map<Tensor, number>();
  const lifeOf = (tensor: Tensor): Life => lives.get(tensor) as Life;
  const free = (slot: Slot, life: Life): boolean =>
    slot.tensors.every((other) => lifeOf(other).to < life.from || lifeOf(other).from > life.to);
  const bytes = (tensor: Tensor): number => bytesIn(rows, tensor);
  const bySize = [...tensors].sort((a, b) => bytes(b) - bytes(a));
  for (const tensor of bySize) {
    let best = -1;
    slots.forEach((slot, i) => {
      const tighter = best < 0 || slot.bytes < slots[best].bytes;
      if (tighter && free(slot, lifeOf(tensor))) best = i;
    });
    if (best < 0) {
      best = slots.length;
      slots.push({ bytes: roundUp(bytes(tensor), 256), tensors: [] });
    }
    slots[best].tensors.push(tensor);
    slotOf.set(tensor, best);
  }
  return { slots, slotOf };
}

/** Finds the launch at which most bytes are alive, and the tensors that are alive then. */
function peakOf(
  tensors: readonly Tensor[],
  lives: ReadonlyMap<Tensor, Life>,
  rows: MemoryPlan['rows'],
  launches: number,
): MemoryPlan['peak'] {
  const change = new Float64Array(launches + 2);
  for (const tensor of tensors) {
    const life = lives.get(tensor) as Life;
    const size = bytesIn(rows, tensor);
    change[life.from] += size;
    change[life.to + 1] -= size;
  }
  let alive = 0;
  let bytes = 0;
  let when = 0;
  change.forEach((delta, at) => {
    alive += delta;
    if (alive <= bytes) return;
    bytes = alive;
    when = at;
  });
  const then = tensors.filter((tensor) => {
    const { from, to } = lives.get(tensor) as Life;
    return from <= when && when <= to;
  });
  return { bytes, tensors: then };
}
