// The gradient of a side and its part of the gradient of the weights, from the sums g over pairs
// (pairs_tile.wgsl), [B, ...] in an order of their own (strides in values), and the side's values x:
//
//   out[b, p, at + k] (+)= share[b] * gradientShare * depthScale * v_k * g[b, k, p]
//   sums[row, k] = share[b] * gradientShare * sum over $ROWS positions p of read(x)[b, p, at + k] g[b, k, p],
//     since relu(s) = s [s > 0] and |s| = s sign(s)
//
// An invocation takes one k of $ROWS neighbouring positions. Channels behind the depth that belong to no
// side are zero.
struct Params {
  count: u32, chunks: u32, positions: u32, channels: u32, depth: u32, at: u32, width: u32,
  strideImage: u32, strideDepth: u32, stridePosition: u32,
  depthScale: f32, gradientShare: f32, row0: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> g: array<f32>;
@group(0) @binding(2) var<storage, read> share: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;
//! if WEIGHT
@group(0) @binding(4) var<storage, read> weight: array<f32>;
@group(0) @binding(5) var<storage, read_write> sums: array<f32>;
//! end
//! if VALUES
@group(0) @binding(6) var<storage, read> x: array<f32>;
//! end
//! if AFFINE
@group(0) @binding(7) var<storage, read> affine: array<f32>;
//! end

//! include through

//! include invocation64

fn run(work: u32) {
  if (work >= p.count) { return; }
  let chunk = work / p.width;
  let k = work - chunk * p.width;
  let image = chunk / p.chunks;
  let first = (chunk - image * p.chunks) * ${ROWS}u;
  let end = min(first + ${ROWS}u, p.positions);
  let factor = select(0.0, share[image] * p.gradientShare, k < p.depth);
  var weighted = factor * p.depthScale;
  //! if WEIGHT
  weighted *= weight[min(k, p.depth - 1u)];
  var sum = 0.0;
  //! end
  for (var position = first; position < end; position++) {
    let to = (image * p.positions + position) * p.channels + p.at + k;
    let ofPosition = g[image * p.strideImage + k * p.strideDepth + position * p.stridePosition];
    // A share of zero must hide the item even where it is not finite.
    var value = select(0.0, weighted * ofPosition, factor != 0.0);
    //! if VALUES
    let a = through(x[to], p.at + k, p.channels);
    //! end
    //! if MASK
    value = select(0.0, value, a > 0.0);
    //! end
    //! if WEIGHT
    sum += a * ofPosition;
    //! end
    if (p.accumulate != 0u) { value += out[to]; }
    out[to] = value;
  }
  //! if WEIGHT
  if (k < p.depth) {
    sums[(p.row0 + chunk) * p.depth + k] = select(0.0, factor * sum, factor != 0.0);
  }
  //! end
}
