"""PyTorch as a peer: `python3 pytorch.py cpu|cuda probe|memory CONFIG BATCH|FOLDER`.

Reads a row's folder and answers in lines of JSON as serve.ts does. `memory` prints what a training
step keeps at its peak.
"""

import json
import os
import resource
import sys
import time

# Its threads sleep while they wait for each other: where other work is on the machine, polling made
# the same inference ten times as long.
os.environ.setdefault('OMP_WAIT_POLICY', 'PASSIVE')
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../test/torch'))

try:
    import torch
    import torch.nn.functional as F

    import safetensors_file
    from config import read_config
    from llsm import LLSM, load_checkpoint
    from make_case import make_input
    from run import loss_of
except ImportError as error:
    print(json.dumps({'absent': f'{sys.executable}: {error}'}))
    sys.exit()

DEVICE = sys.argv[1]


def start():
    """Settings in PyTorch's favour, but for TF32, which is another precision."""
    if DEVICE == 'cuda' and not torch.cuda.is_available():
        raise RuntimeError('PyTorch has no CUDA device here')
    torch.set_num_threads(os.cpu_count())
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = True


def probe():
    device = torch.cuda.get_device_name() if DEVICE == 'cuda' else f'{torch.get_num_threads()} threads'
    return {'version': torch.__version__, 'device': device}


def nchw(x):
    """[B, H, W, C] seen as [B, C, H, W]: the memory stays, which is channels_last."""
    return x.permute(0, 3, 1, 2)


def convolution(task, given):
    """Returns (work, outputs of work's result as {name: tensor} in our layouts)."""
    x, d_out = nchw(given['x']), nchw(given['d out'])
    weight = given['weight'].contiguous(memory_format=torch.channels_last)
    depthwise = task['kind'] == 'depthwise'
    groups, padding = (task['channels'], 1) if depthwise else (1, 0)
    part = task['part']

    def forward():
        return F.conv2d(x, weight, padding=padding, groups=groups)

    def gradients(of_x, of_weight):
        settings = (None, (1, 1), (padding, padding), (1, 1), False, (0, 0), groups)
        wanted = (of_x, of_weight, False)
        return torch.ops.aten.convolution_backward(d_out, x, weight, *settings, wanted)

    def work():
        with torch.no_grad():
            out = forward() if part in ('forward', 'whole') else None
            d_x, d_weight = None, None
            if part != 'forward':
                d_x, d_weight, _ = gradients(part != 'dW', part != 'dX')
        made = {'out': out, 'd x': d_x}
        made = {name: map.permute(0, 2, 3, 1) for name, map in made.items() if map is not None}
        return made if d_weight is None else {**made, 'd weight': d_weight}

    return work


def pairs(task, given):
    """The pair loss with the tensor of all pairs [B, HW, HW, K], as test/torch/llsm.py makes it."""
    depth = task['depth']
    leaves = [given[name].requires_grad_() for name in ('pair', 'weight', 'bias')]
    pair, weight, bias = leaves
    means = given['truth'].flatten(1)
    targets = ((means[:, :, None] - means[:, None, :]).abs() > 0.5).float()
    share = given['share']

    def work():
        rows = pair[..., :depth].flatten(1, 2)
        columns = pair[..., depth:].flatten(1, 2)
        logits = F.relu(rows[:, :, None] + columns[:, None, :]) @ weight + bias
        items = F.binary_cross_entropy_with_logits(logits, targets, reduction='none')
        loss = (items.flatten(1).mean(1) * share).sum()
        # Our case weights the loss by 0.5, the paper's alpha.
        grads = torch.autograd.grad(0.5 * loss, leaves)
        return {'d pair': grads[0], 'd weight': grads[1], 'd bias': grads[2]}

    return work


def network(task, given, folder):
    model = load_checkpoint(os.path.join(folder, 'weights.safetensors'))
    model = model.to(DEVICE).to(memory_format=torch.channels_last)
    if task['part'] == 'inference':
        model.eval()

        def inference():
            with torch.no_grad():
                out = model(given['image'])
            return {name: out[name] for name in ('logit', 'mask', 'similarity')}

        return inference
    model.train()
    adam = torch.optim.Adam(model.parameters(), lr=model.config['train']['lr'])

    def step():
        adam.zero_grad(set_to_none=True)
        loss = loss_of(model, model(given['image']), given)
        loss[0].backward()
        adam.step()
        grads = {f'grad.{name}': weight.grad for name, weight in model.named_parameters()}
        return {'loss': loss.detach(), **grads}

    return step


def wait():
    if DEVICE == 'cuda':
        torch.cuda.synchronize()


def serve(folder):
    with open(os.path.join(folder, 'task.json'), encoding='utf-8') as file:
        task = json.load(file)
    arrays, _ = safetensors_file.read(os.path.join(folder, 'input.safetensors'))
    given = {name: torch.from_numpy(array).to(DEVICE) for name, array in arrays.items()}
    if task['kind'] == 'network':
        work = network(task, given, folder)
    else:
        work = (pairs if task['kind'] == 'pairs' else convolution)(task, given)
    outputs = {name: tensor.cpu().contiguous().numpy() for name, tensor in work().items()}
    safetensors_file.write(os.path.join(folder, f'torch-{DEVICE}.safetensors'), outputs)
    del outputs
    answer({'ready': True})
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            work()
        wait()
        answer({'milliseconds': (time.perf_counter() - start) * 1e3})


def memory(config, batch):
    """What a training step holds at its peak: {'bytes', 'method', 'process'}.

    On the GPU PyTorch's own count. On the CPU what must be there when the forward ends: weights,
    gradients, Adam's two moments, buffers, inputs and every tensor saved for the backward, each
    storage once; workspaces and the gradients of activations come on top. `process` is the peak of
    the process over the whole step, with all that: bytes, in main memory.
    """
    model = LLSM(read_config(config)).to(DEVICE).to(memory_format=torch.channels_last).train()
    inputs = make_input(model.config, 0, batch)
    inputs = {name: torch.from_numpy(array).to(DEVICE) for name, array in inputs.items()}
    adam = torch.optim.Adam(model.parameters())
    if DEVICE == 'cuda':
        for _ in range(2):
            torch.cuda.reset_peak_memory_stats()
            adam.zero_grad(set_to_none=True)
            loss_of(model, model(inputs['image']), inputs)[0].backward()
            adam.step()
        return {'bytes': torch.cuda.max_memory_allocated(), 'method': 'torch.cuda.max_memory_allocated'}
    storages = {}

    def count(tensor):
        storage = tensor.storage()
        storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    weights = list(model.parameters())
    with torch.autograd.graph.saved_tensors_hooks(count, lambda tensor: tensor):
        loss = loss_of(model, model(inputs['image']), inputs)
    for tensor in [*weights, *model.buffers(), *inputs.values()]:
        count(tensor)
    moments_and_gradients = 3 * sum(weight.numel() * weight.element_size() for weight in weights)
    loss[0].backward()
    adam.step()
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == 'darwin' else 1024
    return {
        'bytes': sum(storages.values()) + moments_and_gradients,
        'method': 'weights, gradients, moments, inputs and the storages saved for the backward',
        'process': resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
    }


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    try:
        start()
        if sys.argv[2] == 'probe':
            answer(probe())
        elif sys.argv[2] == 'memory':
            answer(memory(sys.argv[3], int(sys.argv[4])))
        else:
            serve(sys.argv[2])
    except (RuntimeError, ValueError) as error:
        answer({'absent': str(error).splitlines()[0]})


if __name__ == '__main__':
    main()
