// partial[row] = sum of [loss, dz] over the row's pairs, times share[b] / pairs. Row r of an image takes
// pairs r, r + rows, r + 2 rows, ...
struct Params { count: u32, pairs: u32, rows: u32, pairShare: f32, row0: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> each: array<vec2f>;
@group(0) @binding(2) var<storage, read> share: array<f32>;
@group(0) @binding(3) var<storage, read_write> partial: array<vec2f>;

//! include invocation64

fn run(work: u32) {
  if (work >= p.count * p.rows) { return; }
  let image = work / p.rows;
  var sum = vec2f();
  for (var q = work % p.rows; q < p.pairs; q += p.rows) { sum += each[image * p.pairs + q]; }
  let factor = share[image] * p.pairShare;
  partial[p.row0 + work] = select(vec2f(), sum * factor, factor != 0.0);
}
