// out = x + map resized to x's size (bilinear), the same map for each image
struct Params { count: u32, height: u32, width: u32, mapHeight: u32, mapWidth: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> offsets: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

//! include bilinear

//! include invocation64

fn run(at: u32) {
  if (at >= p.count) { return; }
  let pixel = at % (p.height * p.width);
  let row = taps(pixel / p.width, p.mapHeight, p.height);
  let column = taps(pixel % p.width, p.mapWidth, p.width);
  let above = row.low * p.mapWidth;
  let below = row.high * p.mapWidth;
  let upper = mix(offsets[above + column.low], offsets[above + column.high], column.share);
  let lower = mix(offsets[below + column.low], offsets[below + column.high], column.share);
  out[at] = x[at] + mix(upper, lower, row.share);
}
