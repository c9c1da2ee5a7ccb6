"""PyTorch's time and memory for a config, to set beside `llsm bench`.

    python3 bench.py --config small --batch 1 2 4

Prints a row a batch: milliseconds (median) of a forward pass in eval mode and of a training step
(forward, backward, Adam), and the peak memory so far: of the process, or on the GPU of its tensors.
"""

import argparse
import resource
import sys
import time

import torch

from config import read_config
from llsm import LLSM
from make_case import make_input
from run import loss_of


def median_ms(work, device, repeats):
    """The median of `repeats` runs after one that warms up."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        work()
        if device == 'cuda':
            torch.cuda.synchronize()
        times.append((time.perf_counter() - start) * 1e3)
    return sorted(times[1:])[repeats // 2]


def peak_mib(device):
    if device == 'cuda':
        return torch.cuda.max_memory_allocated() / 2**20
    # Linux counts in KiB, macOS in bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == 'darwin' else 2**10)


def measure(config, batch, device, repeats):
    """Returns (forward ms, peak MiB, step ms, peak MiB)."""
    if device == 'cuda':
        torch.cuda.reset_peak_memory_stats()
    model = LLSM(config).to(device)
    inputs = make_input(config, 0, batch)
    inputs = {name: torch.from_numpy(array).to(device) for name, array in inputs.items()}
    adam = torch.optim.Adam(model.parameters(), lr=config['train']['lr'])

    def forward():
        with torch.no_grad():
            model(inputs['image'])

    def step():
        adam.zero_grad(set_to_none=True)
        loss_of(model, model(inputs['image']), inputs)[0].backward()
        adam.step()

    model.eval()
    row = [median_ms(forward, device, repeats), peak_mib(device)]
    model.train()
    return [*row, median_ms(step, device, repeats), peak_mib(device)]


def main():
    parser = argparse.ArgumentParser(description='Times the PyTorch network.')
    parser.add_argument('--config', default='paper', help='a file, a preset or JSON')
    # Ascending, because a process's peak never falls.
    parser.add_argument('--batch', type=int, nargs='+', default=[1])
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--threads', type=int, default=torch.get_num_threads())
    parser.add_argument('--device', choices=('cpu', 'cuda'), default='cpu')
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    # f32 throughout, as our kernels compute: PyTorch's default lets convolutions round to TF32.
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    config = read_config(args.config)
    print(f'torch {torch.__version__}, {args.device}, {args.threads} threads')
    print(f'{"batch":>5} {"forward ms":>11} {"MiB":>7} {"step ms":>11} {"MiB":>7}')
    for batch in sorted(args.batch):
        forward, forward_mib, step, step_mib = measure(config, batch, args.device, args.repeats)
        print(f'{batch:5} {forward:11.1f} {forward_mib:7.0f} {step:11.1f} {step_mib:7.0f}')


if __name__ == '__main__':
    main()
