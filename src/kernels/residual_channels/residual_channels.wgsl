// out = RGB and three high-pass residuals of its grey, each to unit variance and clamped to +-3:
//   the second difference over both axes (/ 4), the 5x5 KV kernel (/ 12), the second difference along
//   a row (/ 2). Beyond the border the nearest pixel counts.
struct Params { pixels: u32, height: u32, width: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> image: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

const scales = vec3f(1.0 / (4.0 * 0.017), 1.0 / (12.0 * 0.018), 1.0 / (2.0 * 0.040));

/** Grey at an offset of (x, y) of the image that begins at pixel `start`. */
fn grey(start: u32, x: i32, y: i32) -> f32 {
  let column = clamp(x, 0, i32(p.width) - 1);
  let row = clamp(y, 0, i32(p.height) - 1);
  let at = (start + u32(row) * p.width + u32(column)) * 3u;
  return 0.299 * image[at] + 0.587 * image[at + 1u] + 0.114 * image[at + 2u];
}

//! include invocation64

fn run(pixel: u32) {
  if (pixel >= p.pixels) { return; }
  let size = p.height * p.width;
  let start = pixel / size * size;
  let x = i32((pixel - start) % p.width);
  let y = i32((pixel - start) / p.width);
  let middle = grey(start, x, y);
  let across = grey(start, x - 1, y) + grey(start, x + 1, y);
  let edges = across + grey(start, x, y - 1) + grey(start, x, y + 1);
  let corners = grey(start, x - 1, y - 1) + grey(start, x + 1, y - 1)
    + grey(start, x - 1, y + 1) + grey(start, x + 1, y + 1);
  let farEdges = grey(start, x - 2, y) + grey(start, x + 2, y)
    + grey(start, x, y - 2) + grey(start, x, y + 2);
  let farCorners = grey(start, x - 2, y - 2) + grey(start, x + 2, y - 2)
    + grey(start, x - 2, y + 2) + grey(start, x + 2, y + 2);
  let between = grey(start, x - 1, y - 2) + grey(start, x + 1, y - 2)
    + grey(start, x - 2, y - 1) + grey(start, x + 2, y - 1)
    + grey(start, x - 2, y + 1) + grey(start, x + 2, y + 1)
    + grey(start, x - 1, y + 2) + grey(start, x + 1, y + 2);
  let found = vec3f(
    2.0 * edges - corners - 4.0 * middle,
    8.0 * edges - 6.0 * corners - 12.0 * middle - 2.0 * farEdges + 2.0 * between - farCorners,
    across - 2.0 * middle,
  );
  let residual = clamp(found * scales, vec3f(-3.0), vec3f(3.0));
  let rgb = pixel * 3u;
  let at = pixel * 6u;
  for (var c = 0u; c < 3u; c++) {
    out[at + c] = image[rgb + c];
    out[at + 3u + c] = residual[c];
  }
}
