// out = main * scale + shift + skip
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> main_x: array<vec4f>;
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
@group(0) @binding(3) var<storage, read> skip: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  //! include column
  let c4 = p.c4;
  let scale = affine[c];
  let shift = affine[c4 + c];
  var at = firstRow * c4 + c;
  for (var row = firstRow; row < endRow; row++) {
    out[at] = main_x[at] * scale + shift + skip[at];
    at += c4;
  }
}
