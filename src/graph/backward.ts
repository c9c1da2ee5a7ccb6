import { LlsmError } from '../base/errors.ts';
import { Gradients } from './gradients.ts';
import type { Graph } from './record.ts';
import { fitsKept, remakeCheap } from './remake.ts';
import type { Tensor } from './tensor.ts';

/**
 * Appends the launches of reverse-mode differentiation to `graph`, visiting only operations on a
 * path from `wrt` to a seed.
 * @param seeds the gradients to begin from: of each tensor, a tensor of its shape.
 * @throws LlsmError for a graph for inference, when a tensor of `wrt` does not influence any seed, or a gradient that two tensors
 *   share would be added to before it has been read for both
 */
export function backward(
  graph: Graph,
  seeds: ReadonlyMap<Tensor, Tensor>,
  wrt: Iterable<Tensor>,
): Gradients {
  // There, batch norms are folded into weights, of which no operation's gradient knows.
  if (graph.inference) {
    throw new LlsmError('A graph for inference has no gradients: record it without `inference`');
  }
  const from = graph.launches.length;
  const asked = [...wrt];
  const path = new Set(asked);
  for (const { inputs, output } of graph.ops) {
    if (inputs.some((tensor) => path.has(tensor))) path.add(output);
  }
  const ahead = new Set(graph.ops.map(({ output }) => output).filter((it) => path.has(it)));
  const readers = new Map<Tensor, number>();
  const count = (tensors: readonly Tensor[], by: number): void => {
    for (const it of new Set(tensors)) readers.set(it, (readers.get(it) ?? 0) + by);
  };
  for (const { inputs } of graph.ops) count(inputs, 1);
  const gradients = new Gradients(path, seeds, asked, ahead, readers);
  for (let i = graph.ops.length - 1; i >= 0; i--) {
    const { output, inputs, backward } = graph.ops[i];
    const dOut = gradients.of(output);
    count(inputs, -1);
    if (dOut && inputs.some((tensor) => path.has(tensor))) backward(dOut, gradients);
    ahead.delete(output);
  }
  if (!fitsKept(graph)) remakeCheap(graph, from);
  for (const tensor of asked) {
    if (!gradients.of(tensor)) {
      throw new LlsmError(`${tensor.name} does not influence what is differentiated`);
    }
  }
  return gradients;
}
