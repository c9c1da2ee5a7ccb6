"""The LLSM network in PyTorch: the reference that the WebGPU code is compared with.

It opens the project's own checkpoints, and its state_dict has exactly their tensor names:

    from llsm import load_checkpoint
    model = load_checkpoint('weights.safetensors').eval()

Tensors are NCHW inside, as PyTorch has them; images, masks and taps are NHWC at the module's face, as
in the files of `llsm run`. Needs torch (1.13 or later) and numpy.
"""

import json
import math

import torch
import torch.nn.functional as F
from torch import nn

import safetensors_file
from config import complete, head_source

VERSION = '0.1.0'


def scaled(channels, width):
    """The channel count at a width: a multiple of 8, at least 8."""
    return max(8, math.floor(channels * width / 8 + 0.5) * 8)


class SeparableConv2d(nn.Module):
    """Depthwise 3x3, then 1x1, with nothing between them and no biases."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
        self.pointwise = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        return self.pointwise(self.conv1(x))


class MaxPool(nn.Module):
    """3x3, stride 2. `torch` pads (1, 1); `tf` (SAME) pads (0, 1) on an even size and (1, 1) on an odd one."""

    def __init__(self, pad):
        super().__init__()
        self.pad = pad

    def forward(self, x):
        if self.pad == 'torch':
            return F.max_pool2d(x, 3, stride=2, padding=1)
        top, left = x.shape[2] % 2, x.shape[3] % 2
        return F.max_pool2d(F.pad(x, (left, 1, top, 1), value=-math.inf), 3, stride=2)


class Block(nn.Module):
    """An Xception block; names and geometry of timm's legacy_xception."""

    def __init__(self, inputs, outputs, reps, stride, bn, pad, leading_relu=True, grow_first=True):
        super().__init__()
        if outputs != inputs or stride != 1:
            self.skip = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.skipbn = bn(outputs)
        else:
            self.skip = None
        rep = []
        for i in range(reps):
            if grow_first:
                a, b = (inputs if i == 0 else outputs), outputs
            else:
                a, b = inputs, (outputs if i == reps - 1 else inputs)
            # Never in place: the skip must see the input before this ReLU.
            rep += [nn.ReLU(), SeparableConv2d(a, b), bn(b)]
        if not leading_relu:
            rep = rep[1:]
        if stride != 1:
            rep.append(MaxPool(pad))
        self.rep = nn.Sequential(*rep)

    def forward(self, x):
        skip = x if self.skip is None else self.skipbn(self.skip(x))
        return self.rep(x) + skip


class Xception(nn.Module):
    """The encoder. forward returns its taps by name: block1..block12 and e1..e5."""

    def __init__(self, width, bn, pad, inputs=3):
        super().__init__()
        w = lambda channels: scaled(channels, width)
        block = lambda i, o, reps, stride, **more: Block(w(i), w(o), reps, stride, bn, pad, **more)
        self.conv1 = nn.Conv2d(inputs, w(32), 3, stride=2, bias=False)
        self.bn1 = bn(w(32))
        self.conv2 = nn.Conv2d(w(32), w(64), 3, bias=False)
        self.bn2 = bn(w(64))
        self.block1 = block(64, 128, 2, 2, leading_relu=False)
        self.block2 = block(128, 256, 2, 2)
        self.block3 = block(256, 728, 2, 2)
        for i in range(4, 12):
            setattr(self, f'block{i}', block(728, 728, 3, 1))
        self.block12 = block(728, 1024, 2, 2, grow_first=False)
        self.conv3 = SeparableConv2d(w(1024), w(1536))
        self.bn3 = bn(w(1536))
        self.conv4 = SeparableConv2d(w(1536), w(2048))
        self.bn4 = bn(w(2048))

    def forward(self, x):
        taps = {}
        x = F.relu(self.bn1(self.conv1(x)))
        x = taps['e1'] = F.relu(self.bn2(self.conv2(x)))
        for i in range(1, 13):
            x = taps[f'block{i}'] = getattr(self, f'block{i}')(x)
        x = F.relu(self.bn3(self.conv3(x)))
        taps['e5'] = F.relu(self.bn4(self.conv4(x)))
        taps.update(e2=taps['block1'], e3=taps['block2'], e4=taps['block11'])
        return taps


class Pairs(nn.Module):
    """LLSM: a logit for every ordered pair of positions; high means dissimilar.

    forward: [B, C, H, W] -> [B, HW, HW], positions row-major. In pair.weight [K, C, 2, 1] index 0 of the
    third axis multiplies F_i (the row of the result), index 1 F_j (its column).
    """

    def __init__(self, channels, head, hidden):
        super().__init__()
        self.head = head
        if head == 'linear':
            self.pair = nn.Conv2d(channels, 1, (2, 1))
        elif head == 'mlp':
            self.pair = nn.Conv2d(channels, hidden, (2, 1))
            self.out = nn.Conv2d(hidden, 1, 1)
        elif head == 'absdiff':
            self.diff = nn.Conv2d(channels, 1, 1)
        else:
            self.theta = nn.Conv2d(channels, hidden, 1, bias=False)
            self.phi = nn.Conv2d(channels, hidden, 1, bias=False)
            self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, features):
        f = features.flatten(2).transpose(1, 2)  # [B, HW, C]
        if self.head == 'bilinear':
            theta = f @ self.theta.weight[:, :, 0, 0].T
            phi = f @ self.phi.weight[:, :, 0, 0].T
            return theta @ phi.transpose(1, 2) / math.sqrt(theta.shape[2]) + self.bias
        if self.head == 'absdiff':
            # An image at a time: the differences are HW * HW * C values each.
            weight = self.diff.weight[0, :, 0, 0]
            maps = [(x[:, None] - x[None, :]).abs() @ weight for x in f]
            return torch.stack(maps) + self.diff.bias
        rows = f @ self.pair.weight[:, :, 0, 0].T + self.pair.bias  # [B, HW, K]
        columns = f @ self.pair.weight[:, :, 1, 0].T
        sums = rows[:, :, None] + columns[:, None, :]  # [B, HW, HW, K]
        if self.head == 'linear':
            return sums[..., 0]
        return F.relu(sums) @ self.out.weight[0, :, 0, 0] + self.out.bias


class Claffm(nn.Module):
    """Cross-level gate: scales the stage's features a by what the deeper features b show globally."""

    def __init__(self, channels_a, channels_b):
        super().__init__()
        self.conv = nn.Conv2d(channels_b, channels_a, 4)
        self.fc = nn.Conv2d(channels_a, channels_a, 1)

    def forward(self, a, b):
        return a * torch.sigmoid(self.fc(F.relu(self.conv(F.adaptive_avg_pool2d(b, 4)))))


class Stage(nn.Module):
    def __init__(self, deeper, skip, outputs, bn):
        super().__init__()
        self.sep1 = SeparableConv2d(deeper + skip, outputs)
        self.bn1 = bn(outputs)
        self.sep2 = SeparableConv2d(outputs, outputs)
        self.bn2 = bn(outputs)
        self.attn = Claffm(outputs, deeper)

    def forward(self, deeper, skip):
        d = F.interpolate(deeper, size=skip.shape[2:], mode='bilinear', align_corners=False)
        x = F.relu(self.bn1(self.sep1(torch.cat([d, skip], 1))))
        return self.attn(F.relu(self.bn2(self.sep2(x))), deeper)


RESIDUALS = (
    ([[0, 0, 0, 0, 0], [0, -1, 2, -1, 0], [0, 2, -4, 2, 0], [0, -1, 2, -1, 0], [0, 0, 0, 0, 0]], 4 * 0.017),
    ([[-1, 2, -2, 2, -1], [2, -6, 8, -6, 2], [-2, 8, -12, 8, -2], [2, -6, 8, -6, 2], [-1, 2, -2, 2, -1]], 12 * 0.018),
    ([[0] * 5, [0] * 5, [0, 1, -2, 1, 0], [0] * 5, [0] * 5], 2 * 0.040),
)


def residual_channels(image):
    """[B, 3, H, W] -> [B, 6, H, W]: RGB, and three high-pass residuals of its grey, clamped to +-3."""
    grey = torch.tensor([0.299, 0.587, 0.114], dtype=image.dtype)
    grey = (image * grey[None, :, None, None]).sum(1, keepdim=True)
    kernels = [torch.tensor(rows, dtype=image.dtype) / divide for rows, divide in RESIDUALS]
    found = F.conv2d(F.pad(grey, (2, 2, 2, 2), mode='replicate'), torch.stack(kernels)[:, None])
    return torch.cat([image, found.clamp(-3, 3)], 1)


class Flm(nn.Module):
    """Multi-level localisation. forward: the encoder's taps -> d5, d4..d1 by name."""

    def __init__(self, width, bn, prior=False):
        super().__init__()
        w = lambda channels: scaled(channels, width)
        self.reduce = nn.Conv2d(w(2048), w(256), 1, bias=False)
        self.bn = bn(w(256))
        self.stage4 = Stage(w(256), w(728), w(256), bn)
        self.stage3 = Stage(w(256), w(256), w(128), bn)
        self.stage2 = Stage(w(128), w(128), w(64), bn)
        self.stage1 = Stage(w(64), w(64), w(32), bn)
        self.mask = nn.Conv2d(w(32), 1, 1)
        if prior:
            self.register_buffer('prior', torch.zeros(1, 1, prior, prior))

    def forward(self, taps):
        d = F.relu(self.bn(self.reduce(taps['e5'])))
        out = {'d5': d}
        for i in (4, 3, 2, 1):
            d = out[f'd{i}'] = getattr(self, f'stage{i}')(d, taps[f'e{i}'])
        return out


class Head(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.fc = nn.Linear(channels, 1)

    def forward(self, features):
        pooled = torch.cat([x.mean((2, 3)) for x in features], 1)
        return self.fc(pooled)[:, 0]


class LLSM(nn.Module):
    """The whole network, from a config (see config.py; missing keys take their defaults).

    forward(image [B, S, S, 3], normalised to [-1, 1]) returns a dict: `logit` [B]; `similarity`
    [B, HW, HW] and `mask` [B, S, S, 1], both logits, where the config has them; `taps`, NHWC by name,
    and `maps`, the same as they are computed (NCHW), for gradients by them.
    """

    def __init__(self, config=None):
        super().__init__()
        self.config = config = complete(config or {})
        width = config['width']
        bn = lambda channels: nn.BatchNorm2d(channels, eps=config['bnEps'], momentum=0.1)
        self.encoder = Xception(width, bn, config['poolPad'], 6 if config['residual'] else 3)
        self.llsm = None
        if config['llsm']:
            tap = config['llsm']['tap']
            channels = scaled(TAP_CHANNELS[tap], width)
            self.llsm = Pairs(channels, config['llsm']['head'], config['llsm']['hidden'])
        self.flm = Flm(width, bn, config['maskPrior']) if config['flm'] else None
        self.source = HEAD_TAPS[head_source(config)]
        self.head = Head(sum(scaled(TAP_CHANNELS[tap], width) for tap in self.source))

    def forward(self, image):
        picture = image.permute(0, 3, 1, 2)
        taps = self.encoder(residual_channels(picture) if self.config['residual'] else picture)
        out = {}
        if self.llsm is not None:
            out['similarity'] = self.llsm(taps[self.config['llsm']['tap']])
        if self.flm is not None:
            taps.update(self.flm(taps))
            small = self.flm.mask(taps['d1'])
            if self.config['maskPrior']:
                size = small.shape[2:]
                small = small + F.interpolate(self.flm.prior, size=size, mode='bilinear', align_corners=False)
            mask = F.interpolate(small, size=image.shape[1:3], mode='bilinear', align_corners=False)
            out['mask'] = mask.permute(0, 2, 3, 1)
        out['logit'] = self.head([taps[tap] for tap in self.source])
        out['maps'] = taps
        out['taps'] = {name: tap.permute(0, 2, 3, 1) for name, tap in taps.items()}
        return out

    def loss_parts(self, out, label, mask, weight=None):
        """[total, cls, ls, loc] for forward's dict; the parts are unweighted, absent ones 0.

        label [B], mask [B, S, S, 1] in [0, 1], weight [B] of 0 or 1 (default: all 1). ls and loc are
        means over the items of weight 1, and 0 if there are none. All pairs count, whatever
        `llsm.pairs` says: a random subset estimates the same mean.
        """
        cls = F.binary_cross_entropy_with_logits(out['logit'], label)
        ls = loc = torch.zeros_like(cls)
        weight = torch.ones_like(label) if weight is None else weight
        if 'similarity' in out:
            tap = out['taps'][self.config['llsm']['tap']]
            ls = weighted_bce(out['similarity'], pair_targets(mask, tap.shape[1:3]), weight)
        if 'mask' in out:
            loc = weighted_bce(out['mask'], mask, weight)
            if self.config['loss']['mask'] == 'bce+dice':
                loc = loc + weighted_dice(out['mask'], mask, weight)
        loss = self.config['loss']
        return torch.stack([cls + loss['alpha'] * ls + loss['beta'] * loc, cls, ls, loc])


TAP_CHANNELS = {'e1': 64, 'e2': 128, 'e3': 256, 'e4': 728, 'e5': 2048}
TAP_CHANNELS.update({'block1': 128, 'block2': 256, 'block12': 1024, 'd1': 32})
TAP_CHANNELS.update({f'block{i}': 728 for i in range(3, 12)})
HEAD_TAPS = {'decoder': ('d1',), 'encoder': ('e5',), 'both': ('e5', 'd1')}


def pooled_differences(mask, size):
    """[B, S, S, 1] -> [B, HW, HW]: |m_i - m_j| of the mask average-pooled to size."""
    pooled = F.adaptive_avg_pool2d(mask.permute(0, 3, 1, 2), tuple(size)).flatten(1)
    return (pooled[:, :, None] - pooled[:, None, :]).abs()


def pair_targets(mask, size):
    """[B, S, S, 1] in [0, 1] -> [B, HW, HW]: 1 where the pooled mask differs by more than 0.5."""
    return (pooled_differences(mask, size) > 0.5).to(mask.dtype)


def weighted_bce(logits, targets, weight):
    items = F.binary_cross_entropy_with_logits(logits, targets, reduction='none').flatten(1).mean(1)
    return (items * weight).sum() / weight.sum().clamp(min=1)


def weighted_dice(logits, targets, weight):
    """Dice's loss, 1 added above and below, of the items whose mask is not empty."""
    p, t = logits.sigmoid().flatten(1), targets.flatten(1)
    items = 1 - (2 * (p * t).sum(1) + 1) / (p.sum(1) + t.sum(1) + 1)
    items = items * (t.sum(1) > 0).to(items.dtype)
    return (items * weight).sum() / weight.sum().clamp(min=1)


def load_state(model, arrays, path='the checkpoint'):
    """Copies numpy arrays into the model; every tensor but num_batches_tracked must be there and fit."""
    state = model.state_dict()
    for name, tensor in state.items():
        if name.endswith('num_batches_tracked'):
            continue
        if name not in arrays:
            raise ValueError(f'{path}: the tensor {name} is missing')
        array = torch.from_numpy(arrays[name].astype('float64'))
        if array.shape != tensor.shape:
            raise ValueError(f'{path}: {name} is {list(array.shape)}, expected {list(tensor.shape)}')
        tensor.copy_(array)
    unknown = sorted(name for name in arrays if name not in state)
    if unknown:
        raise ValueError(f'{path}: unknown tensor {unknown[0]}')
    return model


def load_checkpoint(path, config=None, dtype=torch.float32):
    """Returns an LLSM with the file's weights. config is needed only where the file carries none."""
    arrays, metadata = safetensors_file.read(path)
    if 'llsm.config' in metadata:
        config = json.loads(metadata['llsm.config'])
    if config is None:
        raise ValueError(f'{path}: no llsm.config in the metadata; give the config')
    return load_state(LLSM(config).to(dtype), arrays, path)


def state_arrays(model, dtype='float32'):
    """The model's tensors as numpy arrays under the checkpoint's names."""
    return {
        name: tensor.detach().cpu().numpy().astype(dtype)
        for name, tensor in model.state_dict().items()
        if not name.endswith('num_batches_tracked')
    }


def save_checkpoint(path, model, config=None):
    """Writes the weights in F32 with the metadata that the command line reads."""
    config = complete(config or model.config)
    metadata = {'llsm.config': json.dumps(config), 'llsm.version': VERSION}
    safetensors_file.write(path, state_arrays(model), metadata)
