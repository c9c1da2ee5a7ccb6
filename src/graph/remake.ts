import { planMemory } from './plan.ts';
import type { Graph, Launch } from './record.ts';
import { Tensor } from './tensor.ts';

/** Limits that nothing exceeds: only the bytes of such a plan are asked for. */
const unlimited = {
  maxStorageBufferBindingSize: Number.POSITIVE_INFINITY,
  maxBufferSize: Number.POSITIVE_INFINITY,
  minStorageBufferOffsetAlignment: 256,
};

/** Whether a graph takes no more memory than its adapter gives, with everything kept that is read again. */
export function fitsKept(graph: Graph): boolean {
  const { memory } = graph.traits;
  return memory !== undefined && planMemory(graph, unlimited).bytes <= memory;
}

/**
 * Gives time for memory, where keeping all of it would take more than the graph has room for: what was
 * made by launches that are `cheap`, and is read again by the launches of a backward walk, is made a
 * second time there, into memory of its own, and not kept from the one to the other. The values are
 * the same.
 * @param from the first launch of the backward walk; the launches from there on are replaced
 */
export function remakeCheap(graph: Graph, from: number): void {
  const forward = graph.launches.slice(0, from);
  const makers = new Map<Tensor, Launch[]>();
  for (const launch of forward) {
    for (const tensor of bound(launch, 'write')) {
      makers.set(tensor, [...(makers.get(tensor) ?? []), launch]);
    }
  }
  const isCheap = (tensor: Tensor): boolean =>
    !tensor.keep && (makers.get(tensor)?.every(({ cheap }) => cheap) ?? false);

  const backward = graph.launches.slice(from);
  const wanted = new Set(backward.flatMap((launch) => bound(launch, 'read')).filter(isCheap));
  if ([...wanted].reduce((sum, { bytes }) => sum + bytes, 0) <= graph.roomForCheap) return;

  const remade = new Map<Tensor, Tensor>();
  for (const launch of graph.launches.splice(from)) {
    for (const tensor of bound(launch, 'read')) {
      if (remade.has(tensor) || !wanted.has(tensor)) continue;
      remade.set(tensor, new Tensor(`${tensor.name} again`, tensor.shape, tensor.options));
      for (const maker of makers.get(tensor) as Launch[]) {
        graph.launches.push(rebound(maker, remade));
      }
    }
    graph.launches.push(rebound(launch, remade));
  }
}

function bound({ kernel, bind }: Launch, access: 'read' | 'write'): Tensor[] {
  return kernel.bindings.filter((it) => it.access === access).map(({ name }) => bind[name]);
}

const rebound = (launch: Launch, to: ReadonlyMap<Tensor, Tensor>): Launch => ({
  ...launch,
  bind: Object.fromEntries(
    Object.entries(launch.bind).map(([name, tensor]) => [name, to.get(tensor) ?? tensor]),
  ),
});
