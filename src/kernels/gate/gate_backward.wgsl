// With s = sigmoid(logit) and a = relu(x * scale + shift):
//   dA (+)= dOut * s,   partial[chunk, b, c] = sum over the chunk's pixels of dOut * a * s (1 - s)
struct Params {
  invocations: u32, c4: u32, pixels: u32, chunk: u32, chunks: u32, width4: u32, at4: u32,
  accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> affine: array<vec4f>;
@group(0) @binding(3) var<storage, read> logit: array<vec4f>;
@group(0) @binding(4) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> dA: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> partial: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let work = id.x + id.z * groups.x * 64u;
  if (work >= p.invocations) { return; }
  let c = work % p.c4;
  let chunk = (work / p.c4) % p.chunks;
  let image = work / (p.c4 * p.chunks);
  let scale = affine[c];
  let shift = affine[p.c4 + c];
  let s = 1.0 / (1.0 + exp(-logit[image * p.c4 + c]));
  var sum = vec4f();
  let end = min((chunk + 1u) * p.chunk, p.pixels);
  for (var pixel = chunk * p.chunk; pixel < end; pixel++) {
    let at = (image * p.pixels + pixel) * p.c4 + c;
    let d = dOut[at];
    sum += d * max(x[at] * scale + shift, vec4f());
    var value = d * s;
    if (p.accumulate != 0u) { value += dA[at]; }
    dA[at] = value;
  }
  partial[chunk * p.width4 + p.at4 + image * p.c4 + c] = sum * s * (1.0 - s);
}
