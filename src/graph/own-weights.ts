import type { Graph, Launch } from './record.ts';
import { isFlat, Tensor } from './tensor.ts';

/** A tensor of a `ParamStore`, and the input that has its values in a plan that owns what it reads. */
export interface Owned {
  from: Tensor;
  to: Tensor;
}

/**
 * Makes a graph in inference independent of its `ParamStore` once its preparations are done: what its
 * runs bind of the store, they bind as inputs of their own. Nearly all weights are bound by
 * preparations alone, which pack them.
 * @returns the inputs, to be filled when the preparations run
 */
export function ownWeights(graph: Graph): Owned[] {
  const owned = new Map<Tensor, Tensor>();
  const ownOf = (tensor: Tensor): Tensor => {
    if (!isFlat(tensor.home)) return tensor;
    const own =
      owned.get(tensor) ??
      new Tensor(`own ${tensor.name}`, tensor.shape, { home: 'input', dtype: tensor.dtype });
    owned.set(tensor, own);
    return own;
  };
  const rebound = (launch: Launch): Launch => ({
    ...launch,
    bind: Object.fromEntries(
      Object.entries(launch.bind).map(([name, tensor]) => [name, ownOf(tensor)]),
    ),
  });
  graph.launches.splice(0, graph.launches.length, ...graph.launches.map(rebound));
  return [...owned].map(([from, to]) => ({ from, to }));
}
