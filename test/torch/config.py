"""The network's configuration: the same JSON, defaults and preset names as the command line's --config."""

import copy
import json
import os

DEFAULTS = {
    'size': 224,
    'width': 1,
    'bnEps': 1e-5,
    'poolPad': 'torch',
    'residual': False,
    'llsm': {'tap': 'block7', 'head': 'mlp', 'hidden': 64, 'pairs': 'all'},
    'flm': True,
    'maskPrior': False,
    'head': {'source': 'decoder'},
    'loss': {'alpha': 0.5, 'beta': 0.5, 'mask': 'bce'},
    'train': {
        'lr': 1e-4,
        'batch': 32,
        'accumulate': 1,
        'iterations': 200,
        'epochs': 20,
        'seed': 0,
        'balance': True,
        'warmup': 0,
        'schedule': 'constant',
        'floor': 0.1,
        'ema': False,
        'forge': False,
        'stages': [],
        'precision': 'f32',
        'augment': False,
    },
}

PRESETS = {
    'paper': {},
    # Augmentation is no part of the network, so `small` leaves it at the default here.
    'small': {'width': 0.25, 'train': {'lr': 1e-3}},
    'baseline': {'llsm': False, 'flm': False},
    '+llsm': {'flm': False},
    '+flm': {'llsm': False},
}

HEADS = ('linear', 'mlp', 'absdiff', 'bilinear')
TAPS = tuple(f'e{i}' for i in range(1, 6)) + tuple(f'block{i}' for i in range(1, 13))
CHOICES = {'poolPad': ('torch', 'tf'), 'llsm.head': HEADS, 'llsm.tap': TAPS}
CHOICES['loss.mask'] = ('bce', 'bce+dice')
CHOICES['head.source'] = ('decoder', 'encoder', 'both')


def complete(config):
    """Returns config with every default filled in. Raises ValueError on an unknown key or choice."""
    return _complete(config, DEFAULTS, '')


def _complete(given, defaults, prefix):
    unknown = sorted(set(given) - set(defaults))
    if unknown:
        raise ValueError(f'config: unknown key {prefix}{unknown[0]}')
    full = copy.deepcopy(defaults)
    for key, value in given.items():
        name = prefix + key
        if isinstance(defaults[key], dict) and isinstance(value, dict):
            full[key] = _complete(value, defaults[key], name + '.')
        elif isinstance(defaults[key], dict) and not (name == 'llsm' and value is False):
            raise ValueError(f'config: {name} is {value!r}, expected an object')
        elif name in CHOICES and value not in CHOICES[name]:
            raise ValueError(f'config: {name} is {value!r}, expected one of {CHOICES[name]}')
        else:
            full[key] = value
    return full


def read_config(source):
    """source: a preset's name, a JSON file's path, or JSON text. Returns the completed config."""
    if source in PRESETS:
        return complete(PRESETS[source])
    if os.path.exists(source):
        with open(source, encoding='utf-8') as file:
            return complete(json.load(file))
    return complete(json.loads(source))


def head_source(config):
    """What the classifier sees: without FLM there is only the encoder."""
    return config['head']['source'] if config['flm'] else 'encoder'
