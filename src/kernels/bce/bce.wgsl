// Binary cross-entropy of logits, max(z, 0) - z t + log(1 + exp(-|z|)), weighted by item:
//   partial[row] = sum over the row's values of weight[b] / values * loss
//   dLogit = (sigmoid(z) - t) * weight[b] / values * scale
// with `values` the values of one item. Row r of an item takes values r, r + rows, r + 2 rows, ... in
// one invocation; or, as a TREE, a workgroup takes as many neighbouring ones, and adds up in a tree.
// With DICE an item with any truth adds to its loss weight[b] * (1 - (2 I + 1) / (P + T + 1)), sums over its
// values: I of sigmoid(z) t, P of sigmoid(z), T of t.
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
@group(0) @binding(6) var<storage, read> overlaps: array<vec4f>;

/**
 * What Dice's loss adds of an item: its loss, and the slope of a value, x + y t, times s (1 - s). Both are
 * of the sum over the item's values, not of their mean.
 */
fn diceOf(image: u32) -> vec3f {
  let whole = overlaps[image];
  let total = whole.x + whole.y + 1.0;
  let both = 2.0 * whole.z + 1.0;
  let found = vec3f(1.0 - both / total, both / (total * total), -2.0 / total);
  return select(vec3f(), f32(p.values) * found, whole.y > 0.0);
}
//! end

/** The loss of one value of an item that counts `share`; its gradient is stored. */
fn lossAt(at: u32, share: f32, dice: vec3f) -> f32 {
  let z = logit[at];
  let t = truth[at];
  let e = exp(-abs(z));
  //! if GRAD
  let sigmoid = select(e, 1.0, z >= 0.0) / (1.0 + e);
  var slope = sigmoid - t;
  //! if DICE
  // s (1 - s) = e / (1 + e)^2, without a difference that cancels.
  slope += (dice.y + dice.z * t) * (e / ((1.0 + e) * (1.0 + e)));
  //! end
  dLogit[at] = select(0.0, slope * share * p.scale, share != 0.0);
  //! end
  return max(z, 0.0) - z * t + log(1.0 + e);
}

//! if TREE
var<workgroup> sums: array<f32, 256>;

@compute @workgroup_size(256)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) id: u32,
) {
  let work = group.x + group.z * groups.x;
  if (work >= p.count * p.rows) { return; }
  let image = work / p.rows;
  let share = weight[image] / f32(p.values);
  //! if DICE
  let dice = diceOf(image);
  //! else
  let dice = vec3f();
  //! end
  let first = (work % p.rows) * ${VALUES}u;
  var sum = select(0.0, dice.x, id == 0u && work % p.rows == 0u);
  for (var i = id; i < min(${VALUES}u, p.values - first); i += 256u) {
    sum += lossAt(image * p.values + first + i, share, dice);
  }
  sums[id] = sum;
  for (var span = 128u; span > 0u; span /= 2u) {
    workgroupBarrier();
    if (id < span) { sums[id] += sums[id + span]; }
  }
  // A weight of zero must hide the item even where its loss is not finite.
  if (id == 0u) { partial[p.row0 + work] = select(0.0, sums[0] * share, share != 0.0); }
}
//! else
//! include invocation64

fn run(work: u32) {
  if (work >= p.count * p.rows) { return; }
  let image = work / p.rows;
  let share = weight[image] / f32(p.values);
  //! if DICE
  let dice = diceOf(image);
  //! else
  let dice = vec3f();
  //! end
  var sum = select(0.0, dice.x, work % p.rows == 0u);
  for (var i = work % p.rows; i < p.values; i += p.rows) {
    sum += lossAt(image * p.values + i, share, dice);
  }
  // A weight of zero must hide the item even where its loss is not finite.
  partial[p.row0 + work] = select(0.0, sum * share, share != 0.0);
}
//! end
