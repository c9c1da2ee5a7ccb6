// As much f32 arithmetic as the adapter can do: eight chains of multiply-adds an invocation, each
// waiting for its own last result, 64 links a loop turn. A software driver has registers for no
// more chains: 12 run at half the rate.
struct Params { count: u32, turns: u32, factor: f32, addend: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> out: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= p.count) { return; }
  let factor = p.factor;
  let addend = p.addend;
  //! for c in 0 .. 2
  var chain$c = vec4f(f32(id.x), 0.25, 0.5, 0.75) + ${c}.0;
  //! end
  for (var turn = 0u; turn < p.turns; turn++) {
    //! for i in 0 .. 64
    //! for c in 0 .. 2
    chain$c = chain$c * factor + addend;
    //! end
    //! end
  }
  var sum = vec4f();
  //! for c in 0 .. 2
  sum += chain$c;
  //! end
  out[id.x] = sum;
}
