"""Makes a weights file and an input file for `llsm run`, from a config, a seed and a batch size.

    python3 make_case.py --config '{"size": 96, "width": 0.25}' --seed 1 --batch 2 --out DIR

Writes DIR/config.json, DIR/weights.safetensors and DIR/input.safetensors.
"""

import argparse
import json
import math
import os

import torch
import torch.nn.functional as F
from torch import nn

import safetensors_file
from config import read_config
from llsm import LLSM, pooled_differences, save_checkpoint


def smooth(generator, batch, channels, size):
    """Noise of every octave with the 1/f amplitudes of photographs, [B, C, S, S] in [0, 1]."""
    total = torch.zeros(batch, channels, size, size)
    cells = 2
    while cells <= size:
        noise = torch.randn(batch, channels, cells, cells, generator=generator)
        total += F.interpolate(noise, size=(size, size), mode='bilinear', align_corners=False) / cells
        cells *= 2
    total -= total.amin((2, 3), keepdim=True)
    return total / total.amax((2, 3), keepdim=True)


def ellipses(generator, batch, size):
    """Soft-edged ellipses, [B, 1, S, S] in [0, 1], one an item, some over the border."""
    at = (torch.arange(size) + 0.5) / size
    u = torch.rand(batch, 4, generator=generator)
    cx, cy = 0.3 + 0.4 * u[:, 0], 0.3 + 0.4 * u[:, 1]
    rx, ry = 0.15 + 0.25 * u[:, 2], 0.15 + 0.25 * u[:, 3]
    dx = (at[None, None, :] - cx[:, None, None]) / rx[:, None, None]
    dy = (at[None, :, None] - cy[:, None, None]) / ry[:, None, None]
    edge = (1 - (dx**2 + dy**2).sqrt()) * 6 + 0.5
    return edge.clamp(0, 1)[:, None]


def make_input(config, seed, batch, weight=None):
    """Returns {image, label, mask, weight} as float32 arrays. Odd items are forged and have a mask.

    Forged items carry another image inside their mask. Values are multiples of 1/255, as from files.
    """
    generator = torch.Generator().manual_seed(seed)
    size = config['size']
    label = (torch.arange(batch) % 2).float()
    mask = (ellipses(generator, batch, size) * 255).round() / 255 * label[:, None, None, None]
    image = smooth(generator, batch, 3, size)
    image = image * (1 - mask) + smooth(generator, batch, 3, size) * mask
    image = (image * 255).round() / 127.5 - 1
    weight = torch.ones(batch) if weight is None else torch.tensor(weight, dtype=torch.float32)
    return {
        'image': image.permute(0, 2, 3, 1).contiguous().numpy(),
        'label': label.numpy(),
        'mask': mask.permute(0, 2, 3, 1).contiguous().numpy(),
        'weight': weight.numpy(),
    }


def initialise(model, generator):
    """Convolutions of encoder and FLM normal with variance 2/fan_in, the rest uniform +-1/sqrt(fan_in)."""
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2:
            continue
        fan_in = parameter[0].numel()
        plain = name.startswith(('llsm.', 'head.')) or '.attn.' in name or name == 'flm.mask.weight'
        with torch.no_grad():
            if plain:
                parameter.uniform_(-1, 1, generator=generator).div_(math.sqrt(fan_in))
            else:
                parameter.normal_(0, math.sqrt(2 / fan_in), generator=generator)


def make_model(config, seed, image):
    """An LLSM in which every tensor matters: random gammas, betas and biases, and BN statistics that are
    near those of `image` (so that activations stay in range through 40 layers) but not equal to them.
    """
    generator = torch.Generator().manual_seed(seed + 1)
    model = LLSM(config)
    initialise(model, generator)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim < 2 and name.endswith('.bias'):
                parameter.uniform_(-0.3, 0.3, generator=generator)
        if model.flm is not None and config['maskPrior']:
            model.flm.prior.uniform_(-1.5, 1.5, generator=generator)
        for norm in norms:
            norm.weight.uniform_(0.5, 1.5, generator=generator)
            norm.momentum = 1.0
        # The logits are spread out, so that a wrong one is seen.
        for name, parameter in model.named_parameters():
            if name.startswith(('llsm.', 'head.')):
                parameter.mul_(2)
        model.train()
        model(torch.from_numpy(image))
        for norm in norms:
            norm.momentum = 0.1
            mean, var = norm.running_mean, norm.running_var
            mean += 0.2 * var.sqrt() * torch.randn(mean.shape, generator=generator)
            var *= torch.empty(var.shape).uniform_(0.8, 1.25, generator=generator)
    return model.eval()


def target_margin(model, arrays):
    """How near any |m_i - m_j| comes to 0.5, where the pair's target flips."""
    if model.llsm is None:
        return math.inf
    with torch.no_grad():
        tap = model(torch.from_numpy(arrays['image'][:1]))['taps'][model.config['llsm']['tap']]
    differences = pooled_differences(torch.from_numpy(arrays['mask']).double(), tap.shape[1:3])
    return float((differences - 0.5).abs().min())


def write_case(folder, config, seed, batch, weight=None):
    """Writes config.json, weights.safetensors and input.safetensors. Returns the model and the arrays."""
    os.makedirs(folder, exist_ok=True)
    arrays = make_input(config, seed, batch, weight)
    model = make_model(config, seed, arrays['image'])
    if target_margin(model, arrays) < 1e-6:
        raise ValueError(f'seed {seed} has a pair target that rounding could flip; take another seed')
    with open(os.path.join(folder, 'config.json'), 'w', encoding='utf-8') as file:
        json.dump(config, file, indent=2)
        file.write('\n')
    save_checkpoint(os.path.join(folder, 'weights.safetensors'), model, config)
    safetensors_file.write(os.path.join(folder, 'input.safetensors'), arrays)
    return model, arrays


def main():
    parser = argparse.ArgumentParser(description='Makes weights and input for `llsm run`.')
    parser.add_argument('--config', default='paper', help='a file, a preset or JSON')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--batch', type=int, default=2)
    parser.add_argument('--weight', help='mask weights, such as 1,0')
    parser.add_argument('--out', required=True)
    args = parser.parse_args()
    weight = [float(w) for w in args.weight.split(',')] if args.weight else None
    if weight and len(weight) != args.batch:
        parser.error(f'--weight has {len(weight)} values, --batch is {args.batch}')
    write_case(args.out, read_config(args.config), args.seed, args.batch, weight)


if __name__ == '__main__':
    main()
