// The logit of each drawn pair (i, j) (pairs_tile.wgsl), its loss against the target, and
// dz = sigmoid(z) - t, kept in the pairs' order. partial[row] = sum of [loss, dz] over the row's
// pairs, times share[b] / pairs. Row r of an image takes pairs r, r + rows, r + 2 rows, ...
struct Params {
  count: u32, pairs: u32, rows: u32, positions: u32, depth: u32, leftChannels: u32, leftAt: u32,
  rightChannels: u32, rightAt: u32, depthScale: f32, pairShare: f32, row0: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> left: array<f32>;
@group(0) @binding(2) var<storage, read> right: array<f32>;
//! if WEIGHT
@group(0) @binding(3) var<storage, read> weight: array<f32>;
//! end
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read> truth: array<f32>;
@group(0) @binding(6) var<storage, read> share: array<f32>;
@group(0) @binding(7) var<storage, read> first: array<u32>;
@group(0) @binding(8) var<storage, read> second: array<u32>;
@group(0) @binding(9) var<storage, read_write> partial: array<f32>;
@group(0) @binding(10) var<storage, read_write> dz: array<f32>;
//! if AFFINE
@group(0) @binding(11) var<storage, read> affine: array<f32>;
//! end

//! include through

//! include invocation64

fn run(work: u32) {
  if (work >= p.count * p.rows) { return; }
  let image = work / p.rows;
  var loss = 0.0;
  var slope = 0.0;
  for (var q = work % p.rows; q < p.pairs; q += p.rows) {
    let at = image * p.pairs + q;
    let i = image * p.positions + first[at];
    let j = image * p.positions + second[at];
    var z = 0.0;
    for (var k = 0u; k < p.depth; k++) {
      let a = through(left[i * p.leftChannels + p.leftAt + k], p.leftAt + k, p.leftChannels);
      let b = through(right[j * p.rightChannels + p.rightAt + k], p.rightAt + k, p.rightChannels);
      //! if LINEAR
      z += a + b;
      //! end
      //! if MLP
      z += weight[k] * max(a + b, 0.0);
      //! end
      //! if ABSDIFF
      z += weight[k] * abs(a - b);
      //! end
      //! if BILINEAR
      z += a * b;
      //! end
    }
    z = z * p.depthScale + bias[0];
    let t = select(0.0, 1.0, abs(truth[i] - truth[j]) > 0.5);
    let e = exp(-abs(z));
    let d = select(e, 1.0, z >= 0.0) / (1.0 + e) - t;
    loss += max(z, 0.0) - z * t + log(1.0 + e);
    slope += d;
    dz[at] = d;
  }
  let factor = share[image] * p.pairShare;
  let row = (p.row0 + work) * 2u;
  partial[row] = select(0.0, loss * factor, factor != 0.0);
  partial[row + 1u] = select(0.0, slope * factor, factor != 0.0);
}
