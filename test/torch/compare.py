"""Compares a file that `llsm run` wrote with what PyTorch gets from the same weights and input.

    python3 compare.py --weights W.safetensors --input I.safetensors --output O.safetensors

Compares every tensor of O. `--saved W2` compares the weights after the training steps too. Exit
status: 0 within the tolerances, 1 above them, 2 called wrongly.

Errors: max|a-b| / max|b| for outputs, losses and taps; ||a-b|| / ||b|| for each gradient tensor and for
each tensor's change in training. A tensor whose norm (per element) is under 1e-6 of the largest one's
is zero but for rounding, and is measured against that floor.
"""

import sys

import numpy as np

import safetensors_file
from llsm import state_arrays
from run import open_model, options, outputs, train

# f32 gradients and Adam steps are not smooth in the rounding: a ReLU or a maximum near a tie flips, and
# Adam's first steps are nearly the gradient's sign. PyTorch's own f32 differs from f64 by as much.
TOLERANCES = {
    'eval outputs': 2e-4,
    'train outputs': 2e-3,
    'loss': 1e-4,
    'losses': 1e-2,
    'gradients, median': 1e-3,
    'gradients, worst': 5e-2,
    'training, median': 2e-1,
}
STEPS_HELD = 5  # Later steps are printed but not judged.


def max_error(ours, theirs):
    scale = np.abs(theirs).max()
    return float(np.abs(ours - theirs).max() / (scale if scale > 0 else 1))


def norm_errors(ours, theirs):
    """{name: ||a-b|| / ||b||} over dicts with equal names, with the floor described above."""
    rms = {name: float(np.sqrt(np.mean(b**2))) for name, b in theirs.items()}
    floor = 1e-6 * max(rms.values()) or 1.0
    return {
        name: float(np.sqrt(np.mean((ours[name] - b) ** 2))) / max(rms[name], floor)
        for name, b in theirs.items()
    }


class Report:
    def __init__(self):
        self.failed = False

    def line(self, name, shape, error, tolerance=None):
        # A NaN must fail, so the comparison is for what passes.
        good = tolerance is None or error <= tolerance
        self.failed = self.failed or not good
        limit = '' if tolerance is None else f'{tolerance:9.0e}'
        verdict = '' if tolerance is None else ('ok' if good else 'TOO FAR')
        print(f'{name:58} {str(list(shape)):18} {error:9.2e} {limit:9} {verdict}'.rstrip())

    def spread(self, title, errors, tensors, median, worst=None):
        """The median and the worst tensors of a group."""
        names = sorted(errors, key=lambda name: -np.nan_to_num(errors[name], nan=np.inf))
        for name in names[1:4][::-1]:
            self.line(f'  {name}', tensors[name].shape, errors[name])
        self.line(f'  {names[0]} (worst)', tensors[names[0]].shape, errors[names[0]], worst)
        self.line(f'{title}, median of {len(names)}', [], float(np.median(list(errors.values()))), median)


def check_names(given, expected):
    """The tensors of O must be exactly those that the reference has for such a run."""
    missing = [name for name in expected if name not in given]
    extra = [name for name in given if name not in expected]
    if missing or extra:
        raise ValueError(f'tensors missing: {missing or "none"}; not in the reference: {extra or "none"}')
    for name, tensor in expected.items():
        if given[name].shape != tensor.shape:
            raise ValueError(f'{name} is {given[name].shape}, the reference has {tensor.shape}')


def gradients_of(tensors):
    return {n: array.astype('float64') for n, array in tensors.items() if n.startswith('grad.')}


def compare(given, expected, mode, single=None):
    """Prints the table. Returns whether something is too far off.

    single: PyTorch's results in f32; gradients may then be three times as far from f64 as those are, where
    that is more than the fixed tolerance.
    """
    check_names(given, expected)
    given = {name: array.astype('float64') for name, array in given.items()}
    expected = {name: array.astype('float64') for name, array in expected.items()}
    report = Report()
    print(f'{"tensor":58} {"shape":18} {"error":>9} {"allowed":>9}')
    for name, b in expected.items():
        if name == 'losses':
            for k in range(len(b)):
                held = TOLERANCES['losses'] if k < STEPS_HELD else None
                report.line(f'losses[{k}]', b[k].shape, max_error(given[name][k], b[k]), held)
        elif name == 'loss':
            for k, part in enumerate(('total', 'cls', 'ls', 'loc')):
                error = max_error(given[name][k], b[k])
                report.line(f'loss {part}', [], error, TOLERANCES['loss'])
        elif not name.startswith('grad.'):
            report.line(name, b.shape, max_error(given[name], b), TOLERANCES[f'{mode} outputs'])
    gradients = gradients_of(expected)
    if gradients:
        errors = norm_errors(given, gradients)
        limits = [TOLERANCES['gradients, median'], TOLERANCES['gradients, worst']]
        if single:
            noise = list(norm_errors(gradients_of(single), gradients).values())
            print(f'PyTorch f32 gradients: median {np.median(noise):.1e}, worst {max(noise):.1e}')
            limits = [max(limits[0], 3 * np.median(noise)), max(limits[1], 3 * max(noise))]
        report.spread('gradients', errors, gradients, *limits)
    return report.failed


def compare_saved(path, before, after):
    """Compares how far each tensor moved: next to its size any optimiser looks right."""
    saved, _ = safetensors_file.read(path)
    saved = {name: saved[name] for name in saved if not name.endswith('num_batches_tracked')}
    check_names(saved, after)
    report = Report()
    # Weights and statistics move by different amounts, so each group has a floor of its own.
    statistics = [name for name in after if '.running_' in name]
    weights = [name for name in after if '.running_' not in name]
    for title, names in (('running statistics', statistics), ('weights', weights)):
        theirs = {name: after[name] - before[name] for name in names}
        ours = {name: saved[name].astype('float64') - before[name] for name in names}
        errors = norm_errors(ours, theirs)
        report.spread(f'{title} after training', errors, theirs, TOLERANCES['training, median'])
    return report.failed


def main():
    parser = options('Compares the output of `llsm run` with PyTorch.')
    parser.add_argument('--saved', help='the weights that `llsm run --save` wrote')
    parser.add_argument('--train-steps', type=int, help="default: as many as O's losses has")
    parser.add_argument('--noise', action='store_true', help="widen to PyTorch's own f32 error")
    args = parser.parse_args()
    try:
        given, _ = safetensors_file.read(args.output)
        steps = args.train_steps or len(given.get('losses', ()))
        grad = any(name.startswith('grad.') for name in given)
        mode = args.mode or ('train' if grad or steps else 'eval')
        model, batch = open_model(args)
        before = state_arrays(model, 'float64')
        taps = [name[len('tap.') :] for name in given if name.startswith('tap.')]
        expected = outputs(model, batch, mode, grad, taps)
        single = None
        if grad and args.noise:
            floats = {name: tensor.float() for name, tensor in batch.items()}
            single = outputs(model.float(), floats, mode, True)
            # Nothing is lost on the way back: the file's weights are f32 at most.
            model.to(batch['image'].dtype)
        if steps:
            expected['losses'] = train(model, batch, steps, args.lr or model.config['train']['lr'])
        failed = compare(given, expected, mode, single)
        if args.saved:
            failed = compare_saved(args.saved, before, state_arrays(model, 'float64')) or failed
    except (ValueError, OSError) as error:
        print(f'compare.py: {error}', file=sys.stderr)
        return 1
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
