// dIn[y, x] = sum of dOut over the windows whose first maximum lay at (y, x).
struct Params {
  count: u32, c4: u32, inH: u32, inW: u32, outH: u32, outW: u32, pad: u32, accumulate: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read> winner: array<u32>;
@group(0) @binding(3) var<storage, read_write> dIn: array<vec4f>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  let c = at % p.c4;
  let x = (at / p.c4) % p.inW;
  let y = (at / (p.c4 * p.inW)) % p.inH;
  let image = at / (p.c4 * p.inW * p.inH);
  var sum = vec4f();
  for (var t = 0u; t < 9u; t++) {
    let y2 = y + p.pad - t / 3u;
    let x2 = x + p.pad - t % 3u;
    if ((y2 & 1u) != 0u || (x2 & 1u) != 0u) { continue; }
    let oy = (y2 / 2u);
    let ox = (x2 / 2u);
    if (oy >= p.outH || ox >= p.outW) { continue; }
    let window = ((image * p.outH + oy) * p.outW + ox) * p.c4 + c;
    let packed = winner[window];
    let which = vec4u(packed & 255u, (packed >> 8u) & 255u, (packed >> 16u) & 255u, packed >> 24u);
    sum += select(vec4f(), dOut[window], which == vec4u(t));
  }
  if (p.accumulate != 0u) { sum += dIn[at]; }
  dIn[at] = sum;
}
