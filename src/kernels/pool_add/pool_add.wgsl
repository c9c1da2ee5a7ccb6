// out = maxpool3x3, stride 2 (main * scale + shift) + (skip * skipScale + skipShift)
// and which of the window's nine was the first maximum, a byte a channel.
struct Params {
  count: u32, c4: u32, inH: u32, inW: u32, outH: u32, outW: u32, pad: u32,
}

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> main_x: array<vec4f>;
@group(0) @binding(2) var<storage, read> mainAffine: array<vec4f>;
@group(0) @binding(3) var<storage, read> skip: array<vec4f>;
@group(0) @binding(4) var<storage, read> skipAffine: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> out: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> winner: array<u32>;

@compute @workgroup_size(64)
fn main(
  @builtin(global_invocation_id) id: vec3u,
  @builtin(num_workgroups) groups: vec3u,
) {
  let at = id.x + id.z * groups.x * 64u;
  if (at >= p.count) { return; }
  let c = at % p.c4;
  let ox = (at / p.c4) % p.outW;
  let oy = (at / (p.c4 * p.outW)) % p.outH;
  let image = at / (p.c4 * p.outW * p.outH);
  let scale = mainAffine[c];
  let shift = mainAffine[p.c4 + c];
  var best = vec4f(-3.4e38);
  var which = vec4u(9u);
  for (var t = 0u; t < 9u; t++) {
    let y = oy * 2u + t / 3u - p.pad;
    let x = ox * 2u + t % 3u - p.pad;
    // Unsigned: what lies above or left of the map wraps to a large number.
    if (y >= p.inH || x >= p.inW) { continue; }
    let value = main_x[((image * p.inH + y) * p.inW + x) * p.c4 + c] * scale + shift;
    // The first value wins whatever it is, so that a NaN or -inf is not lost.
    let better = (value > best) | (which == vec4u(9u)) | (value != value);
    best = select(best, value, better);
    which = select(which, vec4u(t), better);
  }
  out[at] = best + skip[at] * skipAffine[c] + skipAffine[p.c4 + c];
  winner[at] = which.x | (which.y << 8u) | (which.z << 16u) | (which.w << 24u);
}
