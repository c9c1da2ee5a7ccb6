"""Checks of the reference itself.

    python3 test_llsm.py [--tensors xception-tensors.tsv]

The table, where given, lists the encoder's tensors: name, shape as 32x3x3x3, tab-separated, fc included.
"""

import argparse
import contextlib
import io
import json
import math
import os
import struct
import sys
import tempfile
import unittest

import numpy as np
import torch
import torch.nn.functional as F

import compare
import safetensors_file
from config import HEADS, complete
from llsm import LLSM, Block, MaxPool, Pairs, load_checkpoint, load_state, pair_targets
from llsm import save_checkpoint, state_arrays
from make_case import make_input, make_model
from make_goldens import CASES
from run import loss_of, outputs, train

TENSORS = None
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'golden')


def tiny(**more):
    return complete({'size': 64, 'width': 0.05, **more})


def case_of(config, batch=2, seed=5):
    """A model and its input, both in f64."""
    arrays = make_input(config, seed, batch)
    model = make_model(config, seed, arrays['image']).double()
    return model, {name: torch.from_numpy(array).double() for name, array in arrays.items()}


class Encoder(unittest.TestCase):
    def test_sizes_at_224(self):
        model = LLSM(complete({'width': 0.05})).eval()
        with torch.no_grad():
            image = torch.zeros(1, 224, 224, 3)
            self.assertEqual(model.encoder.conv1(image.permute(0, 3, 1, 2)).shape[2:], (111, 111))
            out = model(image)
        sizes = {name: tap.shape[1] for name, tap in out['taps'].items()}
        expected = {'e1': 109, 'e2': 55, 'e3': 28, 'e4': 14, 'e5': 7, 'block1': 55, 'block2': 28}
        expected.update({f'block{i}': 14 for i in range(3, 12)}, block12=7)
        expected.update(d5=7, d4=14, d3=28, d2=55, d1=109)
        self.assertEqual(sizes, expected)
        self.assertEqual(out['similarity'].shape, (1, 196, 196))
        self.assertEqual(out['mask'].shape, (1, 224, 224, 1))

    def test_parameter_count_at_width_1(self):
        encoder = LLSM().encoder
        self.assertEqual(sum(p.numel() for p in encoder.parameters()), 20_806_952)

    def test_tensor_list(self):
        if not TENSORS:
            self.skipTest('no --tensors')
        with open(TENSORS, encoding='utf-8') as file:
            rows = [line.split('\t') for line in file.read().splitlines()[1:]]
        listed = {name: shape for name, shape, *_ in rows if not name.startswith('fc.')}
        ours = {
            name: 'x'.join(map(str, array.shape))
            for name, array in state_arrays(LLSM().encoder).items()
        }
        self.assertEqual(ours, listed)
        self.assertEqual(list(ours), list(listed))

    def test_skip_sees_the_input_before_the_relu(self):
        block = Block(8, 8, 3, 1, torch.nn.BatchNorm2d, 'torch').eval()
        block.rep[8].weight.data.zero_()
        x = torch.randn(1, 8, 4, 4)
        before = x.clone()
        self.assertTrue(torch.equal(block(x), before))

    def test_max_pool_padding(self):
        for height, width in [(4, 5), (5, 4), (6, 6), (2, 3)]:
            x = torch.randn(1, 1, height, width) - 5
            for pad in ('torch', 'tf'):
                y = MaxPool(pad)(x)
                self.assertEqual(y.shape[2:], (math.ceil(height / 2), math.ceil(width / 2)))
                top, left = [0 if pad == 'tf' and n % 2 == 0 else 1 for n in (height, width)]
                for i in range(y.shape[2]):
                    for j in range(y.shape[3]):
                        r, c = 2 * i - top, 2 * j - left
                        window = x[0, 0, max(r, 0) : r + 3, max(c, 0) : c + 3]
                        self.assertEqual(y[0, 0, i, j], window.max())

    def test_first_maximum_wins(self):
        for pad, start in (('torch', [0, 1, 3]), ('tf', [0, 2, 4])):
            x = torch.zeros(1, 1, 6, 6, requires_grad=True)
            MaxPool(pad)(x).sum().backward()
            expected = torch.zeros(6, 6)
            for i in start:
                expected[i, start] = 1
            self.assertTrue(torch.equal(x.grad[0, 0], expected))

    def test_names_of_the_other_tensors(self):
        prefixes = ('llsm.', 'head.', 'flm.stage1.', 'flm.reduce', 'flm.bn.weight', 'flm.mask')
        arrays = state_arrays(LLSM({'head': {'source': 'both'}}))
        shapes = {
            name: list(array.shape)
            for name, array in arrays.items()
            if name.startswith(prefixes) and '.bn1.' not in name and '.bn2.' not in name
        }
        expected = {
            'llsm.pair.weight': [64, 728, 2, 1],
            'llsm.pair.bias': [64],
            'llsm.out.weight': [1, 64, 1, 1],
            'llsm.out.bias': [1],
            'flm.reduce.weight': [256, 2048, 1, 1],
            'flm.bn.weight': [256],
            'flm.stage1.sep1.conv1.weight': [128, 1, 3, 3],
            'flm.stage1.sep1.pointwise.weight': [32, 128, 1, 1],
            'flm.stage1.sep2.conv1.weight': [32, 1, 3, 3],
            'flm.stage1.sep2.pointwise.weight': [32, 32, 1, 1],
            'flm.stage1.attn.conv.weight': [32, 64, 4, 4],
            'flm.stage1.attn.conv.bias': [32],
            'flm.stage1.attn.fc.weight': [32, 32, 1, 1],
            'flm.stage1.attn.fc.bias': [32],
            'flm.mask.weight': [1, 32, 1, 1],
            'flm.mask.bias': [1],
            'head.fc.weight': [1, 2080],
            'head.fc.bias': [1],
        }
        self.assertEqual(shapes, expected)


class PairHeads(unittest.TestCase):
    def test_names(self):
        expected = {
            'linear': {'pair.weight': [1, 40, 2, 1], 'pair.bias': [1]},
            'absdiff': {'diff.weight': [1, 40, 1, 1], 'diff.bias': [1]},
            'bilinear': {'theta.weight': [8, 40, 1, 1], 'phi.weight': [8, 40, 1, 1], 'bias': [1]},
        }
        for head, shapes in expected.items():
            state = Pairs(40, head, 8).state_dict()
            self.assertEqual({name: list(t.shape) for name, t in state.items()}, shapes)

    def test_against_the_materialised_pairs(self):
        f = torch.randn(2, 5, 2, 3)
        flat = f.flatten(2)
        n = flat.shape[2]
        # [B, C, 2, n * n]: the row's feature above the column's, as the paper draws them.
        stacked = torch.stack([flat.repeat_interleave(n, 2), flat.repeat(1, 1, n)], 2)
        for head in HEADS:
            pairs = Pairs(5, head, 4)
            if head in ('linear', 'mlp'):
                z = pairs.pair(stacked)
                z = z if head == 'linear' else pairs.out(F.relu(z))
            elif head == 'absdiff':
                z = pairs.diff((stacked[:, :, :1] - stacked[:, :, 1:]).abs())
            else:
                products = pairs.theta(stacked[:, :, :1]) * pairs.phi(stacked[:, :, 1:])
                z = products.sum(1) / 2 + pairs.bias
            torch.testing.assert_close(pairs(f), z.reshape(2, n, n))

    def test_targets(self):
        mask = torch.rand(2, 30, 30, 1) ** 0.3
        mask[:, :, :17] = 0
        targets = pair_targets(mask, (4, 7))
        for b in range(2):
            means = [
                mask[b, i * 30 // 4 : -(-(i + 1) * 30 // 4), j * 30 // 7 : -(-(j + 1) * 30 // 7)].mean()
                for i in range(4)
                for j in range(7)
            ]
            for i, a in enumerate(means):
                for j, c in enumerate(means):
                    self.assertEqual(targets[b, i, j], float(abs(a - c) > 0.5))
        self.assertTrue(0 < targets.mean() < 1)


class Loss(unittest.TestCase):
    def test_parts_by_hand(self):
        model, batch = case_of(tiny(loss={'alpha': 0.3, 'beta': 0.8}), batch=3)
        batch['weight'] = torch.tensor([1.0, 1.0, 0.0]).double()
        out = model(batch['image'])
        total, cls, ls, loc = loss_of(model, out, batch)
        bce = lambda z, t: -(t * F.logsigmoid(z) + (1 - t) * F.logsigmoid(-z)).mean()
        targets = pair_targets(batch['mask'], (4, 4))
        torch.testing.assert_close(cls, bce(out['logit'], batch['label']))
        torch.testing.assert_close(ls, bce(out['similarity'][:2], targets[:2]))
        torch.testing.assert_close(loc, bce(out['mask'][:2], batch['mask'][:2]))
        torch.testing.assert_close(total, cls + 0.3 * ls + 0.8 * loc)

    def test_no_item_with_a_mask(self):
        model, batch = case_of(tiny())
        batch['weight'].zero_()
        result = outputs(model, batch, 'train', True)
        self.assertEqual(result['loss'][2:].tolist(), [0, 0])
        self.assertEqual(np.abs(result['grad.llsm.pair.weight']).max(), 0)
        self.assertTrue(all(np.isfinite(array).all() for array in result.values()))

    def test_gradients_against_finite_differences(self):
        for head in HEADS:
            tap = 'block2' if head == 'bilinear' else 'block7'
            config = tiny(llsm={'head': head, 'tap': tap, 'hidden': 8}, head={'source': 'both'})
            model, batch = case_of(config, batch=3)
            result = outputs(model, batch, 'train', True)
            names = [name for name in result if name.startswith('grad.llsm.')]
            names += [
                'grad.encoder.conv1.weight',
                'grad.encoder.block2.skipbn.weight',
                'grad.encoder.block5.rep.4.conv1.weight',
                'grad.flm.stage4.attn.conv.weight',
                'grad.flm.stage2.sep1.pointwise.weight',
                'grad.head.fc.bias',
            ]
            parameters = dict(model.named_parameters())
            for name in names:
                gradient = result[name].reshape(-1)
                at = int(np.abs(gradient).argmax())
                value = parameters[name[len('grad.') :]].data.view(-1)
                kept, step, losses = value[at].item(), 1e-6, []
                for side in (step, -step):
                    value[at] = kept + side
                    losses.append(outputs(model, batch, 'train')['loss'][0])
                value[at] = kept
                slope = (losses[0] - losses[1]) / (2 * step)
                self.assertLess(abs(slope - gradient[at]), 1e-5 * abs(slope) + 1e-8, (head, name))


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, 'file.safetensors')

    def test_checkpoint_round_trip(self):
        for flm, llsm in [(True, {'head': 'absdiff'}), (False, False)]:
            model, batch = case_of(tiny(flm=flm, llsm=llsm, poolPad='tf', bnEps=1e-3))
            save_checkpoint(self.path, model.float())
            again = load_checkpoint(self.path).eval()
            image = batch['image'].float()
            self.assertEqual(again.config, model.config)
            self.assertTrue(torch.equal(again(image)['logit'], model.eval()(image)['logit']))

    def test_a_missing_or_misshapen_tensor_is_named(self):
        arrays = state_arrays(LLSM(tiny()))
        bias = arrays.pop('head.fc.bias')
        with self.assertRaisesRegex(ValueError, 'head.fc.bias is missing'):
            load_state(LLSM(tiny()), arrays)
        arrays['head.fc.bias'] = np.concatenate([bias, bias])
        with self.assertRaisesRegex(ValueError, r'head.fc.bias is \[2\], expected \[1\]'):
            load_state(LLSM(tiny()), arrays)

    def test_bfloat16(self):
        values = np.array([1.5, -0.375], np.float32)
        header = {'a': {'dtype': 'BF16', 'shape': [2], 'data_offsets': [0, 4]}}
        text = json.dumps(header).encode()
        body = (values.view(np.uint32) >> 16).astype(np.uint16).tobytes()
        with open(self.path, 'wb') as file:
            file.write(struct.pack('<Q', len(text)) + text + body)
        self.assertEqual(safetensors_file.read(self.path)[0]['a'].tolist(), values.tolist())

    def test_unknown_config_key(self):
        with self.assertRaisesRegex(ValueError, 'unknown key llsm.depth'):
            complete({'llsm': {'depth': 3}})


class Goldens(unittest.TestCase):
    def expected(self, folder, mode):
        """The file's tensors, and what a network that is opened from the case's files makes of them."""
        at = lambda name: os.path.join(folder, f'{name}.safetensors')
        golden, _ = safetensors_file.read(at(mode))
        arrays, _ = safetensors_file.read(at('input'))
        batch = {name: torch.from_numpy(array).double() for name, array in arrays.items()}
        model = load_checkpoint(at('weights'), dtype=torch.float64)
        taps = [name[4:] for name in golden if name.startswith('tap.')]
        grad = 'grad.head.fc.weight' in golden
        expected = outputs(model, batch, mode, grad, taps)
        if mode == 'train':
            expected['losses'] = train(model, batch, 10, model.config['train']['lr'])
        return golden, expected

    def test_they_follow_from_their_files(self):
        for case in CASES:
            for mode in ('eval', 'train'):
                golden, expected = self.expected(os.path.join(GOLDEN, case), mode)
                self.assertEqual(set(golden), set(expected))
                for name, array in expected.items():
                    np.testing.assert_allclose(
                        golden[name], array, rtol=1e-6, atol=1e-12, err_msg=f'{case} {mode} {name}'
                    )

    def test_compare_catches_a_change(self):
        golden, expected = self.expected(os.path.join(GOLDEN, 'bilinear'), 'train')
        with contextlib.redirect_stdout(io.StringIO()):
            self.assertFalse(compare.compare(golden, expected, 'train'))
            for name in ('similarity', 'losses', 'grad.llsm.phi.weight'):
                changed = {**golden, name: golden[name] * 1.1}
                self.assertTrue(compare.compare(changed, expected, 'train'), name)
            changed = {**golden, 'mask': golden['mask'] * np.nan}
            self.assertTrue(compare.compare(changed, expected, 'train'))


if __name__ == '__main__':
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument('--tensors')
    known, rest = parser.parse_known_args()
    TENSORS = known.tensors
    torch.manual_seed(0)
    unittest.main(argv=[sys.argv[0], *rest])
