// out[row] = relu(scale * sum over c of read(x[row, c]) * w[image of the row, at + c])
struct Params { rows: u32, c4: u32, pixels: u32, stride4: u32, at4: u32, scale: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
//! if AFFINE
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
//! end
@group(0) @binding(3) var<storage, read> w: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;

//! include invocation64

fn run(row: u32) {
  if (row >= p.rows) { return; }
  let c4 = p.c4;
  let start = (row / p.pixels) * p.stride4 + p.at4;
  var sum = vec4f();
  for (var c = 0u; c < c4; c++) {
    var value = x[row * c4 + c];
    //! if AFFINE
    value = value * affine[c] + affine[c4 + c];
    //! end
    //! if RELU
    value = max(value, vec4f());
    //! end
    sum += value * w[start + c];
  }
  out[row] = max(p.scale * (sum.x + sum.y + sum.z + sum.w), 0.0);
}
