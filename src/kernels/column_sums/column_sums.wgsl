// partial[chunk, c] = sum over the chunk's rows of x[row, c]
struct Params { rows: u32, chunk: u32, chunks: u32, c4: u32, row0: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> partial: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  let chunk = at / p.c4;
  if (chunk >= p.chunks) { return; }
  let c = at % p.c4;
  let end = min((chunk + 1u) * p.chunk, p.rows);
  var sum = vec4f();
  for (var row = chunk * p.chunk; row < end; row++) { sum += x[row * p.c4 + c]; }
  partial[(p.row0 + chunk) * p.c4 + c] = sum;
}
