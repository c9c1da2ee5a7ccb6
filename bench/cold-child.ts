/**
 * The process that `llsm bench --cold` starts and times: what `llsm detect` does for one picture, one
 * part after the other, and a second look at the same picture. Prints one line of JSON.
 */
const begun = performance.timeOrigin + performance.now();

/** Milliseconds of each part, in the order in which they come. */
export interface Stages {
  /** Until the first line of ours runs. */
  node: number;
  modules: number;
  /** Dawn, the driver, the device. */
  adapter: number;
  /** The stored case that an adapter must compute rightly. */
  check: number;
  /** The checkpoint, from the file to main memory. */
  weights: number;
  picture: number;
  /** The checkpoint, from main memory to the GPU's queue. */
  upload: number;
  /** The network as launches, and its shaders' texts. */
  record: number;
  /** Buffers, pipelines, bind groups. */
  pipelines: number;
  /** What the first look takes longer than the second: the driver compiles. */
  compile: number;
  /** The second look. */
  run: number;
}

export interface Told {
  stages: Stages;
  /** Milliseconds that all threads computed, until the first verdict: other work disturbs it less. */
  processor: number;
  adapter: string;
  software: boolean;
  pipelines: { inference: number; training: number };
}

const [spawned, weights, picture] = process.argv.slice(2);

let last = begun;
const lap = (): number => {
  const before = last;
  last = performance.timeOrigin + performance.now();
  return last - before;
};

await import('commander');
const { readCheckpoint } = await import('../node/files/checkpoint.ts');
const { readImage } = await import('../node/files/image.ts');
await import('../node/detect/detect-files.ts');
const { openNodeGpu } = await import('../node/gpu/open.ts');
const { pipelineCount } = await import('../src/gpu/pipeline.ts');
const { FaceScorer } = await import('../src/detect/scorer.ts');
const { checkNumbers } = await import('../src/model/self-test.ts');
const modules = lap();

const gpu = await openNodeGpu();
const adapter = lap();

await checkNumbers(gpu);
const check = lap();

const checkpoint = readCheckpoint(weights);
const weightsRead = lap();

const face = await readImage(picture);
const pictureRead = lap();

// The device tells the parts of building apart: weights are written, then the network is recorded,
// then the first shader comes.
const { device } = gpu;
let firstShader = 0;
let lastWrite = 0;
const { createShaderModule } = device;
device.createShaderModule = (descriptor) => {
  firstShader ||= performance.timeOrigin + performance.now();
  return createShaderModule.call(device, descriptor);
};
const { writeBuffer } = device.queue;
device.queue.writeBuffer = (...args: Parameters<GPUQueue['writeBuffer']>) => {
  writeBuffer.apply(device.queue, args);
  if (!firstShader) lastWrite = performance.timeOrigin + performance.now();
};
const detector = await FaceScorer.build(gpu, checkpoint, { batch: 1, dissimilarity: false });
const upload = lastWrite - last;
const record = firstShader - lastWrite;
const rest = lap() - upload - record;

await detector.detect([face]);
const first = lap();
const { user, system } = process.cpuUsage();
await detector.detect([face]);
const run = lap();

const { planStep } = await import('../src/train/step-plan.ts');
const inference = pipelineCount(gpu);
const told: Told = {
  stages: {
    node: begun - Number(spawned),
    modules,
    adapter,
    check,
    weights: weightsRead,
    picture: pictureRead,
    upload,
    record,
    pipelines: rest,
    compile: first - run,
    run,
  },
  processor: (user + system) / 1000,
  adapter: gpu.name,
  software: gpu.software,
  pipelines: { inference, training: planStep(gpu, checkpoint.config).pipelines },
};
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
