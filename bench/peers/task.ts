/**
 * What is measured against the peers, and the files by which it is handed to them: a folder a row,
 * with `task.json`, `input.safetensors` and, for a network, `weights.safetensors`; where ONNX can say
 * it `model-nhwc.onnx` and `model-nchw.onnx` besides. A contestant leaves what it computed in
 * `<its name>.safetensors`.
 */

/** A 1x1 or a depthwise 3x3 convolution; `whole` is forward and both gradients. */
export interface ConvolutionTask {
  kind: 'pointwise' | 'depthwise';
  part: 'forward' | 'dX' | 'dW' | 'whole';
  batch: number;
  size: number;
  channels: number;
}

/** The pair loss of the mlp head over HW = size * size positions, with its gradients. */
export interface PairsTask {
  kind: 'pairs';
  batch: number;
  size: number;
  depth: number;
}

/** Inference (logit, mask, pair map), or a training step: losses, gradients, Adam. */
export interface NetworkTask {
  kind: 'network';
  part: 'inference' | 'step';
  batch: number;
  width: number;
  size: number;
}

export type Task = ConvolutionTask | PairsTask | NetworkTask;

/** What a contestant says of itself before it is given anything. */
export interface Probe {
  version?: string;
  /** Where it runs, as far as it can tell. */
  device?: string;
  /** Why it cannot take part. */
  absent?: string;
}

/** What a contestant says when it is ready, or why it is not; then the time of each sample. */
export type Answer = { ready: true } | { absent: string } | { milliseconds: number };

export function taskName(task: Task): string {
  const { batch, size } = task;
  const map = `${size}x${size}, b${batch}`;
  switch (task.kind) {
    case 'network':
      return `${task.part === 'step' ? 'training step' : 'inference'}, width ${task.width}, ${map}`;
    case 'pairs':
      return `llsm mlp, HW ${size ** 2}, depth ${task.depth}, b${batch}: forward + backward`;
    default: {
      const part = task.part === 'whole' ? 'forward + backward' : task.part;
      return `${task.kind} ${task.channels}, ${map}: ${part}`;
    }
  }
}
