"""Writes test/golden: tiny networks and single operations with the results that PyTorch gets in f64.

    python3 make_goldens.py

Each folder CASE holds config.json, weights.safetensors, input.safetensors, and two files as
`llsm run` writes them: eval.safetensors, and train.safetensors with gradients and the losses of ten
Adam steps. ops.safetensors holds single operations, NHWC, as NAME.x, .y, .dy and .dx.
The same torch version gives the same bytes; another one may draw other random numbers.
"""

import argparse
import os
import shutil
import sys

import torch
import torch.nn.functional as F

import safetensors_file
from compare import compare
from config import complete
from llsm import LLSM, MaxPool, load_state, state_arrays
from make_case import write_case
from run import grad_cam, outputs, train

STEPS = 10

# One of each pair head, and every other choice of the config in at least one of them. With a width of
# 0.05 the middle blocks have 40 channels. `taps`: the eval file has every tap and gradients through the
# fixed statistics too. The seeds are ones without a ReLU or a maximum within rounding of its edge, so that
# f32 follows f64 through ten steps. `cam`: feature maps at which cam.safetensors has Grad-CAM.
CASES = {
    'linear': {
        'seed': 1,
        'weight': [1, 1],
        'config': {'size': 64, 'llsm': {'head': 'linear'}, 'loss': {'alpha': 0.3, 'beta': 0.8}},
    },
    'mlp': {
        'seed': 3,
        'weight': [1, 1],
        'taps': True,
        'cam': ['e1', 'block7', 'e5', 'd3', 'd1'],
        'config': {'size': 80, 'llsm': {'head': 'mlp'}, 'head': {'source': 'both'}},
    },
    'absdiff': {
        'seed': 4,
        'weight': [1, 1],
        'config': {
            'size': 64,
            'bnEps': 1e-3,
            'poolPad': 'tf',
            'llsm': {'head': 'absdiff'},
            'flm': False,
        },
    },
    'bilinear': {
        'seed': 1,
        'weight': [0, 1, 1],
        'config': {
            'size': 64,
            'llsm': {'head': 'bilinear', 'tap': 'block2', 'hidden': 8},
            'head': {'source': 'encoder'},
        },
    },
    'residual': {
        'seed': 2,
        'weight': [1, 1, 1],
        'config': {
            'size': 64,
            'residual': True,
            'maskPrior': 8,
            'loss': {'mask': 'bce+dice'},
            'llsm': {'head': 'linear'},
        },
    },
    'baseline': {
        'seed': 4,
        'weight': [1, 1],
        'config': {'size': 64, 'llsm': False, 'flm': False},
    },
}


def as_batch(arrays, dtype):
    return {name: torch.from_numpy(array).to(dtype) for name, array in arrays.items()}


def make_network(folder, case):
    config = complete({'width': 0.05, 'train': {'lr': 1e-3}, **case['config']})
    batch = len(case['weight'])
    model, arrays = write_case(folder, config, case['seed'], batch, case['weight'])
    weights = state_arrays(model)
    results = {}
    for dtype in (torch.float64, torch.float32):
        # In eval mode from the start: a forward pass in train mode moves the running statistics.
        network = load_state(LLSM(config).to(dtype), weights).eval()
        inputs = as_batch(arrays, dtype)
        taps = list(network(inputs['image'])['taps']) if case.get('taps') else ()
        evaluated = outputs(network, inputs, 'eval', bool(taps), taps)
        trained = outputs(network, inputs, 'train', True)
        trained['losses'] = train(network, inputs, STEPS, config['train']['lr'])
        results[dtype] = {'eval': evaluated, 'train': trained}
    if 'cam' in case:
        make_cams(folder, case, weights, arrays, config)
    for mode, exact in results[torch.float64].items():
        exact = {name: array.astype('float32') for name, array in exact.items()}
        safetensors_file.write(os.path.join(folder, f'{mode}.safetensors'), exact)
        # A golden that PyTorch itself misses in f32 would be no fair test.
        print(f'\n{os.path.basename(folder)} {mode}: PyTorch in f32 against f64')
        if compare(results[torch.float32][mode], exact, mode):
            raise ValueError(f'{folder}: ill-conditioned; take another seed')


def make_cams(folder, case, weights, arrays, config):
    model = load_state(LLSM(config).double(), weights)
    image = as_batch(arrays, torch.float64)['image']
    cams = {f'cam.{tap}': grad_cam(model, image, tap).astype('float32') for tap in case['cam']}
    safetensors_file.write(os.path.join(folder, 'cam.safetensors'), cams)


def make_op(generator, name, operation, x):
    """x: [B, H, W, C]. Returns x, y, a random dy, and the dx that follows from it."""
    x = x.double().permute(0, 3, 1, 2).contiguous().requires_grad_()
    y = operation(x)
    dy = torch.randn(y.shape, generator=generator).double()
    y.backward(dy)
    tensors = {'x': x, 'y': y, 'dy': dy, 'dx': x.grad}
    return {
        f'{name}.{key}': tensor.detach().permute(0, 2, 3, 1).float().contiguous().numpy()
        for key, tensor in tensors.items()
    }


def make_ops():
    generator = torch.Generator().manual_seed(1)
    noise = lambda *shape: torch.randn(shape, generator=generator)
    tensors = {}
    sizes = [(7, 14, 55, 28), (28, 55, 14, 7), (55, 109, 7, 3), (109, 224, 3, 5), (224, 109, 3, 3)]
    for h, h2, w, w2 in sizes:
        resize = lambda x: F.interpolate(x, size=(h2, w2), mode='bilinear', align_corners=False)
        tensors.update(make_op(generator, f'resize.{h}x{w}-{h2}x{w2}', resize, noise(2, h, w, 2)))
    for h, w, h2, w2 in [(109, 7, 4, 4), (3, 4, 4, 4), (2, 1, 4, 4), (224, 7, 14, 4)]:
        pool = lambda x: F.adaptive_avg_pool2d(x, (h2, w2))
        tensors.update(make_op(generator, f'adaptive.{h}x{w}-{h2}x{w2}', pool, noise(2, h, w, 2)))
    # Few values, so that most windows have ties; negative ones, so that a padding with 0 shows.
    for h, w in [(8, 7), (7, 8), (14, 14), (2, 3)]:
        ties = torch.randint(-3, 0, (2, h, w, 3), generator=generator).float()
        for pad in ('torch', 'tf'):
            tensors.update(make_op(generator, f'maxpool.{pad}.{h}x{w}', MaxPool(pad), ties))
    tensors.update(make_batch_norm(generator))
    return tensors


def make_batch_norm(generator):
    """Training mode, mean/std = 100 in f32, eps 1e-5, momentum 0.1, 2 * 3 * 5 values a channel."""
    channels = 9
    x = (torch.randn(2, channels, 3, 5, generator=generator) + 100).double().requires_grad_()
    norm = torch.nn.BatchNorm2d(channels, eps=1e-5, momentum=0.1).double()
    with torch.no_grad():
        for tensor in (norm.weight, norm.running_mean):
            tensor.copy_(torch.randn(channels, generator=generator))
        norm.bias.copy_(torch.randn(channels, generator=generator))
        norm.running_var.copy_(torch.rand(channels, generator=generator) + 0.5)
    before = {'mean': norm.running_mean.clone(), 'var': norm.running_var.clone()}
    y = norm(x)
    dy = torch.randn(y.shape, generator=generator).double()
    y.backward(dy)
    maps = {'x': x, 'y': y, 'dy': dy, 'dx': x.grad}
    tensors = {key: tensor.detach().permute(0, 2, 3, 1) for key, tensor in maps.items()}
    tensors.update(before)
    tensors.update(gamma=norm.weight, beta=norm.bias, dgamma=norm.weight.grad, dbeta=norm.bias.grad)
    tensors.update(running_mean=norm.running_mean, running_var=norm.running_var)
    return {
        f'batchnorm.{key}': tensor.detach().float().contiguous().numpy()
        for key, tensor in tensors.items()
    }


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description='Writes the golden tensors.')
    parser.add_argument('--out', default=os.path.join(here, '..', 'golden'))
    parser.add_argument('--only', nargs='*', help='these cases alone')
    args = parser.parse_args()
    torch.set_num_threads(1)
    os.makedirs(args.out, exist_ok=True)
    for name, case in CASES.items():
        if args.only and name not in args.only:
            continue
        folder = os.path.join(args.out, name)
        shutil.rmtree(folder, ignore_errors=True)
        make_network(folder, case)
    if not args.only:
        safetensors_file.write(os.path.join(args.out, 'ops.safetensors'), make_ops())


if __name__ == '__main__':
    sys.exit(main())
