// Adds up partial rows of a matrix in fixed order and stores it in the parameter's own layout:
// the way back of pack.wgsl, and like it down $ROWS rows of a column an invocation.
struct Params {
  partials: u32, width: u32, at: u32,
  rows: u32, rowInner: u32, columns: u32, columnInner: u32, padded: u32,
  base: u32, row0: i32, row1: i32, column0: i32, column1: i32,
  scale: f32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> partial: array<f32>;
@group(0) @binding(2) var<storage, read_write> parameter: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let column = id.x + id.z * groups.x * 64u;
  if (column >= p.columns) { return; }
  let first = id.y * ${ROWS}u;
  let end = min(first + ${ROWS}u, p.rows);
  //! include column_walk
  for (var row = first; row < end; row++) {
    var sum = 0.0;
    var i = p.at + row * p.padded + column;
    for (var k = 0u; k < p.partials; k++) {
      sum += partial[i];
      i += p.width;
    }
    parameter[at] = sum * p.scale;
    //! include next_row
  }
}
