// Binary cross-entropy of logits, max(z, 0) - z t + log(1 + exp(-|z|)), weighted by item:
//   partial[row] = sum over the row's values of weight[b] / values * loss
//   dLogit = (sigmoid(z) - t) * weight[b] / values * scale
// with `values` the values of one item. With DICE an item with any truth adds to its loss
//   weight[b] * (1 - (2 I + 1) / (P + T + 1)), I = sum of sigmoid(z) t, P = sum of sigmoid(z), T = sum of t.
// Row r of an item takes values r, r + rows, r + 2 rows, ...
struct Params { count: u32, values: u32, rows: u32, row0: u32, scale: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> logit: array<f32>;
@group(0) @binding(2) var<storage, read> truth: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;
//! if GRAD
@group(0) @binding(5) var<storage, read_write> dLogit: array<f32>;
//! end
//! if DICE
@group(0) @binding(6) var<storage, read> sums: array<vec4f>;
//! end

//! include invocation64

fn run(work: u32) {
  if (work >= p.count * p.rows) { return; }
  let image = work / p.rows;
  let share = weight[image] / f32(p.values);
  var sum = 0.0;
  //! if DICE
  // (P, T, I) of the item; its share of a value's gradient is slope.x + slope.y t, times s (1 - s).
  let whole = sums[image];
  let total = whole.x + whole.y + 1.0;
  let both = 2.0 * whole.z + 1.0;
  let counts = whole.y > 0.0;
  let values = f32(p.values);
  let slope = select(vec2f(), values * vec2f(both / (total * total), -2.0 / total), counts);
  if (counts && work % p.rows == 0u) { sum += values * (1.0 - both / total); }
  //! end
  for (var i = work % p.rows; i < p.values; i += p.rows) {
    let at = image * p.values + i;
    let z = logit[at];
    let t = truth[at];
    let e = exp(-abs(z));
    sum += max(z, 0.0) - z * t + log(1.0 + e);
    //! if GRAD
    let sigmoid = select(e, 1.0, z >= 0.0) / (1.0 + e);
    var slopeHere = sigmoid - t;
    //! if DICE
    // s (1 - s) = e / (1 + e)^2, without a difference that cancels.
    slopeHere += (slope.x + slope.y * t) * (e / ((1.0 + e) * (1.0 + e)));
    //! end
    dLogit[at] = select(0.0, slopeHere * share * p.scale, share != 0.0);
    //! end
  }
  // A weight of zero must hide the item even where its loss is not finite.
  partial[p.row0 + work] = select(0.0, sum * share, share != 0.0);
}
