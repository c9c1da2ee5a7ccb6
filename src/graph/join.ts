import type { Launch } from './record.ts';
import { isFlat, Tensor } from './tensor.ts';

/**
 * Makes one launch of several that say how (`Launch.joint`) and that nothing between depends on: a
 * dispatch costs a GPU some microseconds in which it stands still. Early ones go to the first of their
 * group, the others wait for the last. Every launch still reads what it would have read.
 * @param bindable bytes that a binding may have
 */
export function joinLaunches(launches: readonly Launch[], bindable: number): Launch[] {
  const late = gathered(launches, (launch) => !launch.joint?.early, bindable);
  const early = gathered([...late].reverse(), (launch) => launch.joint?.early === true, bindable);
  return early.reverse();
}

/** Launches that wait to become one, in the order in which they were met. */
interface Group {
  parts: Launch[];
  common: Tensor;
}

/** Lets launches wait, each until its group is full or something depends on one of them. */
function gathered(
  launches: readonly Launch[],
  waits: (launch: Launch) => boolean,
  bindable: number,
): Launch[] {
  const out: Launch[] = [];
  const groups = new Map<string, Group>();
  const close = (key: string): void => {
    const group = groups.get(key);
    if (group) out.push(asOne(group));
    groups.delete(key);
  };
  for (const launch of launches) {
    for (const [key, { parts }] of groups) {
      if (parts.some((part) => depend(part, launch))) close(key);
    }
    const { joint } = launch;
    if (!joint || !waits(launch)) {
      out.push(launch);
      continue;
    }
    const tensor = launch.bind[joint.common];
    const key = `${joint.kind} ${isFlat(tensor.home) ? tensor.home : idOf(tensor)}`;
    let common = covering(groups.get(key)?.common ?? tensor, tensor);
    if (common.bytes > bindable) {
      close(key);
      common = tensor;
    }
    const parts = [...(groups.get(key)?.parts ?? []), launch];
    groups.set(key, { parts, common });
    if (parts.length === joint.most) close(key);
  }
  for (const key of [...groups.keys()]) close(key);
  return out;
}

function asOne({ parts, common }: Group): Launch {
  const [first] = parts;
  return parts.length > 1 && first.joint ? first.joint.of(parts, common) : first;
}

const ids = new WeakMap<Tensor, number>();
let lastId = 0;

function idOf(tensor: Tensor): number {
  const id = ids.get(tensor) ?? ++lastId;
  ids.set(tensor, id);
  return id;
}

const startOf = ({ options }: Tensor): number => options.offset ?? 0;
const endOf = (tensor: Tensor): number => startOf(tensor) + tensor.size;

/** The range of a flat buffer that holds both; of one and the same tensor, that itself. */
function covering(a: Tensor, b: Tensor): Tensor {
  if (a === b) return a;
  const offset = Math.min(startOf(a), startOf(b));
  const size = Math.max(endOf(a), endOf(b)) - offset;
  return new Tensor(a.home, [size], { home: a.home, offset });
}

/** Whether two launches must stay in their order: one writes what the other binds. */
function depend(a: Launch, b: Launch): boolean {
  return writes(a, b) || writes(b, a);
}

function writes({ kernel, bind }: Launch, other: Launch): boolean {
  return kernel.bindings.some(
    ({ name, access }) =>
      access === 'write' && Object.values(other.bind).some((tensor) => overlap(bind[name], tensor)),
  );
}

const overlap = (a: Tensor, b: Tensor): boolean =>
  a === b ||
  (isFlat(a.home) && a.home === b.home && startOf(a) < endOf(b) && startOf(b) < endOf(a));
