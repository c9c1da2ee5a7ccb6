// A parameter as the matrix that a convolution multiplies by: rows by columns, columns padded with
// zeros to a multiple of four. Row and column each have one index or two, with strides of their own.
//
// An invocation goes down $ROWS rows of a column, so that it divides once if at all.
struct Params {
  rows: u32, rowInner: u32, columns: u32, columnInner: u32, padded: u32, padRows: u32,
  base: u32, row0: i32, row1: i32, column0: i32, column1: i32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> parameter: array<f32>;
@group(0) @binding(2) var<storage, read_write> matrix: array<f32>;
//! if SCALE
@group(0) @binding(3) var<storage, read> scale: array<f32>;
//! end

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let column = id.x + id.z * groups.x * 64u;
  if (column >= p.padded) { return; }
  let first = id.y * ${ROWS}u;
  let end = min(first + ${ROWS}u, p.padRows);
  //! include column_walk
  for (var row = first; row < end; row++) {
    var value = 0.0;
    if (row < p.rows && column < p.columns) {
      value = parameter[at];
      //! if SCALE
      value *= scale[column];
      //! end
    }
    matrix[row * p.padded + column] = value;
    //! include next_row
  }
}
