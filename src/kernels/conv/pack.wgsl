// A parameter as the matrix that a convolution multiplies by: rows by columns, columns padded with
// zeros to a multiple of four. Row and column each have two indices with strides of their own.
struct Params {
  rows: u32, rowInner: u32, columns: u32, columnInner: u32, padded: u32, padRows: u32,
  base: u32, row0: i32, row1: i32, column0: i32, column1: i32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> parameter: array<f32>;
@group(0) @binding(2) var<storage, read_write> matrix: array<f32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.padRows * p.padded) { return; }
  let row = at / p.padded;
  let column = at % p.padded;
  if (row >= p.rows || column >= p.columns) {
    matrix[at] = 0.0;
    return;
  }
  let index = i32(p.base)
    + i32(row / p.rowInner) * p.row0 + i32(row % p.rowInner) * p.row1
    + i32(column / p.columnInner) * p.column0 + i32(column % p.columnInner) * p.column1;
  matrix[at] = parameter[index];
}
