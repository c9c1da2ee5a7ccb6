// Charbonnier's loss, sqrt((x - t)^2 + eps^2) - eps, weighted by item:
//   partial[row] = sum over the row's values of weight[b] / values * loss
//   dX = (x - t) / sqrt((x - t)^2 + eps^2) * weight[b] / values
// with `values` the values of one item. Row r of an item takes values r, r + rows, r + 2 rows, ...
struct Params { count: u32, values: u32, rows: u32, row0: u32, eps: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> truth: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> partial: array<f32>;
@group(0) @binding(5) var<storage, read_write> dX: array<f32>;

//! include invocation64

fn run(work: u32) {
  if (work >= p.count * p.rows) { return; }
  let image = work / p.rows;
  let share = weight[image] / f32(p.values);
  var sum = 0.0;
  for (var i = work % p.rows; i < p.values; i += p.rows) {
    let at = image * p.values + i;
    let away = x[at] - truth[at];
    let length = sqrt(away * away + p.eps * p.eps);
    sum += length - p.eps;
    dX[at] = away / length * share;
  }
  partial[p.row0 + work] = sum * share;
}
