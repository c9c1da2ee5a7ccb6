"""Tensors in, tensors out: what `llsm run` does, in PyTorch, with the same files on both sides.

    python3 run.py --weights W.safetensors --input I.safetensors --output O.safetensors --grad

In:  image [B,S,S,3], normalised; with labels: label [B], mask [B,S,S,1], weight [B] (0 or 1, optional).
Out: logit, similarity, mask; with labels loss [4] (total, cls, ls, loc); grad.NAME; tap.NAME;
     losses [N,4], losses[k] before update k; cam.NAME [B,h,w], always in eval mode.
"""

import argparse

import torch

import safetensors_file
from config import read_config
from llsm import load_checkpoint, save_checkpoint


def read_input(path, dtype):
    arrays, _ = safetensors_file.read(path)
    if 'image' not in arrays:
        raise ValueError(f'{path}: the tensor image is missing')
    return {name: torch.from_numpy(array).to(dtype) for name, array in arrays.items()}


def outputs(model, batch, mode='eval', grad=False, taps=()):
    """One forward (and backward) pass. Leaves the running statistics as they were.

    Returns {name: array}, the names those of O. Raises ValueError on an unknown tap or missing labels.
    """
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.train(mode == 'train')
    model.zero_grad(set_to_none=True)
    with torch.set_grad_enabled(grad):
        out = model(batch['image'])
        result = {name: out[name] for name in ('logit', 'similarity', 'mask') if name in out}
        if 'label' in batch:
            result['loss'] = loss_of(model, out, batch)
    if grad:
        if 'loss' not in result:
            raise ValueError('gradients need the tensor label in the input')
        result['loss'][0].backward()
        for name, parameter in model.named_parameters():
            none = parameter.grad is None
            result[f'grad.{name}'] = torch.zeros_like(parameter) if none else parameter.grad
    for name in taps:
        if name not in out['taps']:
            raise ValueError(f'no tap {name}; there are {", ".join(out["taps"])}')
        result[f'tap.{name}'] = out['taps'][name]
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    return {name: tensor.detach().numpy() for name, tensor in result.items()}


def grad_cam(model, image, tap):
    """Grad-CAM [B, h, w] of the logit at a feature map, in eval mode, an image at a time.

    relu(sum_k alpha_k A_k), alpha_k the mean over the positions of d logit / d A_k (Selvaraju et al., 2017).
    """
    model.eval()
    cams = []
    for one in image.split(1):
        out = model(one)
        features = out['maps'][tap]
        (gradient,) = torch.autograd.grad(out['logit'][0], features)
        alpha = gradient.mean((2, 3), keepdim=True)
        cams.append((alpha * features).sum(1).relu().detach())
    return torch.cat(cams).numpy()


def loss_of(model, out, batch):
    if 'mask' not in batch and ('similarity' in out or 'mask' in out):
        raise ValueError('the input has labels but no tensor mask')
    return model.loss_parts(out, batch['label'], batch.get('mask'), batch.get('weight'))


def train(model, batch, steps, lr):
    """Adam on one batch. Changes the model. Returns losses [steps, 4], losses[k] before update k."""
    if 'label' not in batch:
        raise ValueError('training steps need the tensor label in the input')
    model.train()
    adam = torch.optim.Adam(model.parameters(), lr=lr, betas=(0.9, 0.999), eps=1e-8)
    losses = []
    for _ in range(steps):
        adam.zero_grad(set_to_none=True)
        loss = loss_of(model, model(batch['image']), batch)
        losses.append(loss.detach().clone())
        loss[0].backward()
        adam.step()
    return torch.stack(losses).numpy()


def options(description):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument('--weights', required=True)
    parser.add_argument('--input', required=True)
    parser.add_argument('--output', required=True)
    parser.add_argument('--config', help='where the weights carry none: a file, a preset or JSON')
    parser.add_argument('--mode', choices=('train', 'eval'))
    parser.add_argument('--lr', type=float, help='default: train.lr of the config')
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument('--double', action='store_true', help='compute in f64 (the default)')
    precision.add_argument('--float', action='store_true', help='compute in f32')
    return parser


def open_model(args):
    dtype = torch.float32 if args.float else torch.float64
    config = read_config(args.config) if args.config else None
    return load_checkpoint(args.weights, config, dtype), read_input(args.input, dtype)


def main():
    parser = options('Runs the PyTorch network on tensors in a file.')
    parser.add_argument('--grad', action='store_true', help='implies --mode train')
    parser.add_argument('--taps', default='', help='comma-separated names')
    parser.add_argument('--cam', help='the name of a feature map')
    parser.add_argument('--train-steps', type=int, default=0)
    parser.add_argument('--save', help='the weights after the training steps')
    args = parser.parse_args()
    model, batch = open_model(args)
    mode = args.mode or ('train' if args.grad or args.train_steps else 'eval')
    taps = [name for name in args.taps.split(',') if name]
    result = outputs(model, batch, mode, args.grad, taps)
    if args.cam:
        result[f'cam.{args.cam}'] = grad_cam(model, batch['image'], args.cam)
    if args.train_steps:
        lr = args.lr or model.config['train']['lr']
        result['losses'] = train(model, batch, args.train_steps, lr)
        if args.save:
            save_checkpoint(args.save, model)
    result = {name: array.astype('float32') for name, array in result.items()}
    safetensors_file.write(args.output, result)


if __name__ == '__main__':
    main()
