import { exportOnnx } from '../../lab/convert/onnx/export.ts';
import { OnnxGraph } from '../../lab/convert/onnx/graph.ts';
import { conv, transpose } from '../../lab/convert/onnx/ops.ts';
import type { HostTensor } from '../../src/model/safetensors.ts';
import type { Given } from './given.ts';
import type { ConvolutionTask, Task } from './task.ts';

/**
 * The row's network (which takes NHWC) or convolution as ONNX, where there is one: ONNX has no
 * gradients.
 * @param layout of a convolution's input `x` and output `out`. With NHWC the model begins and ends
 *   with transposes, which ONNX Runtime's WebGPU provider cancels against those that it puts around
 *   its NHWC convolutions; the CPU provider computes NCHW.
 */
export function onnxOf(
  task: Task,
  { input, checkpoint }: Given,
  layout: 'NHWC' | 'NCHW',
): Uint8Array | undefined {
  if (task.kind === 'network') {
    const wanted = checkpoint && task.part === 'inference' && layout === 'NHWC';
    return wanted ? exportOnnx(checkpoint) : undefined;
  }
  if (task.kind === 'pairs' || task.part !== 'forward') return undefined;
  return convolution(task, input.get('weight') as HostTensor, layout === 'NHWC');
}

function convolution({ kind, size, channels }: ConvolutionTask, weight: HostTensor, nhwc: boolean) {
  const g = new OnnxGraph(kind);
  const x = g.input('x', nhwc ? [size, size, channels] : [channels, size, size]);
  const constant = g.constant('weight', weight.shape, weight.data);
  const options = kind === 'depthwise' ? { padding: 1, groups: channels } : {};
  const nchw = nhwc ? transpose(g, 'x.nchw', x, [3, 1, 2]) : x;
  const out = conv(g, nhwc ? 'out.nchw' : 'out', nchw, constant, options);
  g.output(nhwc ? transpose(g, 'out', out, [2, 3, 1]) : out);
  return g.serialise();
}
