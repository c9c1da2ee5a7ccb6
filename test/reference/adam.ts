import { map, type Values } from './values.ts';

export interface AdamState {
  weight: Values;
  m: Values;
  v: Values;
}

/** Step t (from 1) of Adam as torch.optim.Adam has it, without weight decay. */
export function adam({ weight, m, v }: AdamState, gradient: Values, t: number, lr: number) {
  const [beta1, beta2, eps] = [0.9, 0.999, 1e-8];
  const nextM = map(m, (value, i) => beta1 * value + (1 - beta1) * gradient.data[i]);
  const nextV = map(v, (value, i) => beta2 * value + (1 - beta2) * gradient.data[i] ** 2);
  const next = map(weight, (value, i) => {
    const mHat = nextM.data[i] / (1 - beta1 ** t);
    const vHat = nextV.data[i] / (1 - beta2 ** t);
    return value - (lr * mHat) / (Math.sqrt(vHat) + eps);
  });
  return { weight: next, m: nextM, v: nextV };
}
