"""Keras' Xception, from the source of keras/applications/xception.py: its layers, their names in files, its maths.

Written for comparison with what `llsm import --from keras` makes of such files; it shares no code with llsm.py.
Maps are NCHW inside; kernels are Keras' [height, width, in, out].
"""

import io
import math
from dataclasses import dataclass

import h5py
import torch
import torch.nn.functional as F

KERAS_EPS = 1e-3


@dataclass
class Layer:
    kind: str  # conv, separable or norm
    name: str  # of its group in the file
    torch_name: str
    version: int  # of Keras

    def variables(self, state):
        """{name in the file: array in Keras' layout} from a PyTorch state dict."""
        get = lambda suffix: state[f'{self.torch_name}.{suffix}'].numpy()
        if self.kind == 'conv':
            arrays = {'kernel': get('weight').transpose(2, 3, 1, 0)}
        elif self.kind == 'separable':
            arrays = {
                'depthwise_kernel': get('conv1.weight').transpose(2, 3, 0, 1),
                'pointwise_kernel': get('pointwise.weight').transpose(2, 3, 1, 0),
            }
        else:
            arrays = {
                'gamma': get('weight'),
                'beta': get('bias'),
                'moving_mean': get('running_mean'),
                'moving_variance': get('running_var'),
            }
        return {self.variable(name): array for name, array in arrays.items()}

    def variable(self, name):
        """A variable's name in the file."""
        if self.version == 2:
            return f'{name}:0'
        old = {'kernel': 'W', 'moving_mean': 'running_mean', 'moving_variance': 'running_std'}
        return f'{self.name}_{old.get(name, name)}:0'


def keras_layers(version):
    """The layers with weights, in the order in which the source makes them."""
    counts = {}

    def layer(kind, torch_name, name=None):
        if version == 1 or name is None:
            words = {
                1: {'conv': 'convolution2d', 'separable': 'separableconvolution2d', 'norm': 'batchnormalization'},
                2: {'conv': 'conv2d', 'separable': 'separable_conv2d', 'norm': 'batch_normalization'},
            }
            counts[kind] = counts.get(kind, 0) + 1
            name = f'{words[version][kind]}_{counts[kind]}'
        return Layer(kind, name, torch_name, version)

    layers = []
    for i in (1, 2):
        layers.append(layer('conv', f'conv{i}', f'block1_conv{i}'))
        layers.append(layer('norm', f'bn{i}', f'block1_conv{i}_bn'))
    for block in range(2, 14):
        torch_block = f'block{block - 1}'
        reduces = block in (2, 3, 4, 13)
        if reduces:
            layers.append(layer('conv', f'{torch_block}.skip'))
            layers.append(layer('norm', f'{torch_block}.skipbn'))
        for i in range(1, 3 if reduces else 4):
            at = 3 * (i - 1) + (0 if block == 2 else 1)
            name = f'block{block}_sepconv{i}'
            layers.append(layer('separable', f'{torch_block}.rep.{at}', name))
            layers.append(layer('norm', f'{torch_block}.rep.{at + 1}', f'{name}_bn'))
    for i in (1, 2):
        layers.append(layer('separable', f'conv{i + 2}', f'block14_sepconv{i}'))
        layers.append(layer('norm', f'bn{i + 2}', f'block14_sepconv{i}_bn'))
    return layers


def same_padding(n, kernel, stride):
    """TensorFlow's SAME: (before, after)."""
    total = max((math.ceil(n / stride) - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def pad(x, kernel, stride, value):
    top, bottom = same_padding(x.shape[2], kernel, stride)
    left, right = same_padding(x.shape[3], kernel, stride)
    return F.pad(x, (left, right, top, bottom), value=value)


class Weights:
    """Applies the layers of a file one after the other, in the order in which they were made."""

    def __init__(self, data, version):
        self.file = h5py.File(io.BytesIO(data), 'r')
        self.layers = iter(keras_layers(version))

    def next(self, kind):
        layer = next(self.layers)
        if layer.kind != kind:
            raise ValueError(f'{layer.name} is no {kind}')
        group = self.file[layer.name]
        group = group[layer.name] if layer.version == 2 else group
        return lambda name: torch.from_numpy(group[layer.variable(name)][()]).double()

    def conv(self, x, stride, same):
        kernel = self.next('conv')('kernel')
        x = pad(x, kernel.shape[0], stride, 0) if same else x
        return F.conv2d(x, kernel.permute(3, 2, 0, 1), stride=stride)

    def separable(self, x):
        get = self.next('separable')
        depthwise = get('depthwise_kernel').permute(2, 3, 0, 1)
        x = F.conv2d(pad(x, 3, 1, 0), depthwise, groups=x.shape[1])
        return F.conv2d(x, get('pointwise_kernel').permute(3, 2, 0, 1))

    def norm(self, x):
        get = self.next('norm')
        mean, variance = get('moving_mean'), get('moving_variance')
        scale = get('gamma') / torch.sqrt(variance + KERAS_EPS)
        return (x - mean[:, None, None]) * scale[:, None, None] + get('beta')[:, None, None]


def keras_taps(data, version, image):
    """The maps that the weights in a file give for image [B, S, S, 3], as f32 arrays, NHWC."""
    w = Weights(data, version)
    taps = {}
    x = torch.from_numpy(image).double().permute(0, 3, 1, 2)
    x = F.relu(w.norm(w.conv(x, 2, same=False)))
    x = taps['e1'] = F.relu(w.norm(w.conv(x, 1, same=False)))
    for block in range(2, 14):
        reduces = block in (2, 3, 4, 13)
        residual = w.norm(w.conv(x, 2, same=True)) if reduces else x
        for i in range(1, 3 if reduces else 4):
            x = x if block == 2 and i == 1 else F.relu(x)
            x = w.norm(w.separable(x))
        if reduces:
            x = F.max_pool2d(pad(x, 3, 2, -math.inf), 3, stride=2)
        x = taps[f'block{block - 1}'] = x + residual
    x = F.relu(w.norm(w.separable(x)))
    taps['e5'] = F.relu(w.norm(w.separable(x)))
    taps.update(e2=taps['block1'], e3=taps['block2'], e4=taps['block11'])
    return {f'tap.{name}': tap.permute(0, 2, 3, 1).float().numpy() for name, tap in taps.items()}
