import { LlsmError } from '../base/errors.ts';

/**
 * How a window meets the border: `torch` pads floor(size / 2) on every side; `tf` (TensorFlow's SAME)
 * pads as little as gives ceil(n / stride), the odd one at the end; without, nothing is padded.
 */
export type Padding = 'torch' | 'tf' | undefined;

/** Layout of windows along an axis. */
export interface Windows {
  /** Number of windows along the axis. */
  count: number;
  /** Number of padding values before the first one. */
  front: number;
  /** Whether any window reaches outside. */
  outside: boolean;
}

function along(n: number, size: number, stride: number, pad: Padding): Windows {
  const most = pad === 'tf' ? Math.ceil(n / stride) : undefined;
  const padding = pad === 'torch' ? 2 * Math.floor(size / 2) : 0;
  const count = most ?? Math.floor((n + padding - size) / stride) + 1;
  const total = Math.max(0, (count - 1) * stride + size - n);
  const front = pad === 'tf' ? Math.floor(total / 2) : padding / 2;
  return { count, front, outside: total > 0 || front > 0 };
}

/**
 * Where windows lie on a map.
 * @throws LlsmError where rows and columns would be padded differently at the front: kernels know one
 *   padding
 */
export function windowsOn(
  name: string,
  [height, width]: readonly number[],
  size: number,
  stride: number,
  pad: Padding,
): { outH: number; outW: number; front: number; outside: boolean } {
  const down = along(height, size, stride, pad);
  const across = along(width, size, stride, pad);
  if (down.front !== across.front) {
    throw new LlsmError(
      `${name}: a ${height} x ${width} map would be padded with ${down.front} rows and ` +
        `${across.front} columns at its front; use sides that are both even or both odd`,
    );
  }
  return {
    outH: down.count,
    outW: across.count,
    front: down.front,
    outside: down.outside || across.outside,
  };
}
