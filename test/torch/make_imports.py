"""Writes test/golden/import: the same random Xception as other people's programs save it, with its feature maps.

    python3 make_imports.py [--out DIR] [--width 0.05] [--plain] [--only NAME...]

timm.safetensors, timm.pth     timm's names, batch counts among them; the zip of torch.save
cadene.pth                     the older format of torch.save, pointwise kernels as matrices, last_linear
deepfakebench.pth              everything behind backbone., with its adjust_channel
keras.h5                       as Keras 2 saves it, with its classifier
keras-1.h5                     the names in the file that keras.applications downloads, without classifier
torch.taps, keras.taps         (.safetensors) what the weights in these files give for input.safetensors
types.pth, types-legacy.pth    tensors of every kind that torch.save knows; types.safetensors: their values

The feature maps come from the written files, read back: PyTorch's with torch.load, Keras' with h5py and the
graph of keras/applications/xception.py as its source has it. Files are compressed (.gz) unless --plain; weights are
rounded to bfloat16, so that they compress. Needs torch, numpy and h5py.
"""

import argparse
import gzip
import io
import json
import os
from collections import OrderedDict

import h5py
import numpy as np
import torch
from torch import nn

import safetensors_file
from config import complete
from keras_xception import keras_layers, keras_taps
from llsm import Xception
from make_case import make_input, make_model

HERE = os.path.dirname(os.path.abspath(__file__))
TAPS = [f'e{i}' for i in range(1, 6)] + [f'block{i}' for i in range(1, 13)]


def make_encoder(config, seed, image):
    """state_dict of an encoder in which every tensor matters, rounded to bfloat16."""
    encoder = make_model(config, seed, image).encoder
    state = encoder.state_dict()
    return OrderedDict(
        (name, tensor.bfloat16().float() if tensor.is_floating_point() else tensor)
        for name, tensor in state.items()
    )


def classifier(state, classes, generator):
    """weight [classes, C] and bias [classes] of a fully connected layer behind the encoder."""
    channels = state['bn4.weight'].shape[0]
    weight = torch.randn(classes, channels, generator=generator).bfloat16().float()
    return weight, torch.zeros(classes)


def timm_state(state, generator):
    weight, bias = classifier(state, 10, generator)
    return OrderedDict([*state.items(), ('fc.weight', weight), ('fc.bias', bias)])


def cadene_state(state, generator):
    """PyTorch had no batch counts then."""
    weight, bias = classifier(state, 10, generator)
    renamed = OrderedDict(
        (name, tensor[:, :, 0, 0].contiguous() if name.endswith('pointwise.weight') else tensor)
        for name, tensor in state.items()
        if not name.endswith('num_batches_tracked')
    )
    renamed['last_linear.weight'], renamed['last_linear.bias'] = weight, bias
    return renamed


def deepfakebench_state(state, generator):
    weight, bias = classifier(state, 2, generator)
    full = OrderedDict((f'backbone.{name}', tensor) for name, tensor in state.items())
    full['backbone.last_linear.weight'], full['backbone.last_linear.bias'] = weight, bias
    adjust = nn.Sequential(nn.Conv2d(weight.shape[1], 16, 1), nn.BatchNorm2d(16), nn.ReLU())
    for name, tensor in adjust.state_dict().items():
        full[f'backbone.adjust_channel.{name}'] = torch.zeros_like(tensor)
    return full


def torch_bytes(value, legacy=False):
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def keras_bytes(state, version, generator):
    """Groups and names as Keras 2, or as Keras 1 in the file that keras.applications downloads."""
    buffer = io.BytesIO()
    with h5py.File(buffer, 'w') as file:
        for layer in keras_layers(version):
            group = file.create_group(layer.name)
            inner = group.create_group(layer.name) if version == 2 else group
            for variable, array in layer.variables(state).items():
                inner.create_dataset(variable, data=array)
        if version == 2:
            weight, bias = classifier(state, 10, generator)
            top = file.create_group('predictions').create_group('predictions')
            top.create_dataset('kernel:0', data=weight.T.contiguous().numpy())
            top.create_dataset('bias:0', data=bias.numpy())
            file.create_group('avg_pool')
        file.attrs['layer_names'] = [name.encode() for name in file]
    return buffer.getvalue()


def torch_taps(source, width, image):
    """The maps that a file's weights give in PyTorch, in f64. source: a state dict with any prefix."""
    state = {}
    for name, tensor in source.items():
        name = name.removeprefix('backbone.')
        if name.startswith(('fc.', 'last_linear.', 'adjust_channel.')):
            continue
        flat = name.endswith('pointwise.weight') and tensor.ndim == 2
        state[name] = tensor[:, :, None, None] if flat else tensor
    encoder = Xception(width, nn.BatchNorm2d, 'torch').double().eval()
    missing, unexpected = encoder.load_state_dict(state, strict=False)
    if unexpected or any(not name.endswith('num_batches_tracked') for name in missing):
        raise ValueError(f'missing {missing}, unexpected {unexpected}')
    with torch.no_grad():
        taps = encoder(torch.from_numpy(image).double().permute(0, 3, 1, 2))
    return {f'tap.{name}': taps[name].permute(0, 2, 3, 1).float().numpy() for name in TAPS}


def same(ours, theirs, what):
    for name, array in ours.items():
        if not np.array_equal(array, theirs[name]):
            raise ValueError(f'{what}: {name} differs')


def make_types(folder):
    """Every storage type and kind of view, in both formats, with the values that they hold."""
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4) - 7.5
    both = torch.linspace(-2, 2, 20)
    values = OrderedDict(
        f32=base,
        f16=base.half(),
        bf16=base.bfloat16(),
        f64=base.double() / 3,
        transposed=base.permute(2, 0, 1),
        channels_last=base[None].to(memory_format=torch.channels_last),
        head=both[:7],
        tail=both[5:],
        every_third=both[1::3],
        parameter=nn.Parameter(base[0] * 2),
        scalar=torch.tensor(3.25),
        empty=torch.zeros(0, 4),
        integers=torch.arange(5),
        flags=torch.tensor([True, False]),
    )
    nested = {'epoch': 3, 'lr': 0.25, 'name': 'x' * 300, 'done': True, 'state_dict': values}
    for name, legacy in (('types.pth', False), ('types-legacy.pth', True)):
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(torch_bytes(nested, legacy))
    floats = {
        name: value.detach().float().contiguous().numpy()
        for name, value in values.items()
        if value.is_floating_point()
    }
    safetensors_file.write(os.path.join(folder, 'types.safetensors'), floats)


def main():
    parser = argparse.ArgumentParser(description='Makes files of weights as other programs save them.')
    parser.add_argument('--out', default=os.path.join(HERE, '..', 'golden', 'import'))
    parser.add_argument('--width', type=float, default=0.05)
    parser.add_argument('--size', type=int, default=64)
    parser.add_argument('--seed', type=int, default=2)
    parser.add_argument('--plain', action='store_true', help='do not compress')
    parser.add_argument('--only', nargs='*', help='of the files of weights, these')
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)

    config = complete({'size': args.size, 'width': args.width, 'llsm': False, 'flm': False})
    image = make_input(config, args.seed, 2)['image']
    state = make_encoder(config, args.seed, image)
    image = image[:1]
    generator = torch.Generator().manual_seed(args.seed)
    taps = {'torch': None, 'keras': None}

    def write(name, make, taps_of, kind):
        if args.only and name not in args.only:
            return
        data = make()
        given = taps_of(data)
        same(given, taps[kind] or given, name)
        taps[kind] = given
        path = os.path.join(args.out, name)
        with open(path if args.plain else f'{path}.gz', 'wb') as file:
            file.write(data if args.plain else gzip.compress(data, mtime=0))

    def torch_file(make_state, legacy=False):
        make = lambda: torch_bytes(make_state(state, generator), legacy)
        read = lambda data: torch_taps(torch.load(io.BytesIO(data)), args.width, image)
        return make, read, 'torch'

    def safetensors(make_state):
        path = os.path.join(args.out, 'timm.safetensors.part')
        arrays = {name: tensor.numpy() for name, tensor in make_state(state, generator).items()}
        safetensors_file.write(path, arrays)
        with open(path, 'rb') as file:
            data = file.read()
        arrays = {name: torch.from_numpy(array) for name, array in safetensors_file.read(path)[0].items()}
        os.remove(path)
        return lambda: data, lambda _: torch_taps(arrays, args.width, image), 'torch'

    def keras_file(version):
        make = lambda: keras_bytes(state, version, generator)
        return make, lambda data: keras_taps(data, version, image), 'keras'

    write('timm.safetensors', *safetensors(timm_state))
    write('timm.pth', *torch_file(timm_state))
    write('cadene.pth', *torch_file(cadene_state, legacy=True))
    write('deepfakebench.pth', *torch_file(deepfakebench_state))
    write('keras.h5', *keras_file(2))
    write('keras-1.h5', *keras_file(1))

    with open(os.path.join(args.out, 'config.json'), 'w', encoding='utf-8') as file:
        json.dump({key: config[key] for key in ('size', 'width', 'llsm', 'flm')}, file, indent=2)
        file.write('\n')
    safetensors_file.write(os.path.join(args.out, 'input.safetensors'), {'image': image})
    for kind, arrays in taps.items():
        if arrays:
            safetensors_file.write(os.path.join(args.out, f'{kind}.taps.safetensors'), arrays)
    if not args.only:
        make_types(args.out)


if __name__ == '__main__':
    main()
