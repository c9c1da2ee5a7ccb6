// lossScale = [scale, steps since it changed]: after a step whose gradients did not fit 16 bits half the
// scale, after `steps` that did twice.
struct Params { steps: f32, most: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> overflow: array<u32>;
@group(0) @binding(2) var<storage, read_write> lossScale: array<f32>;

@compute @workgroup_size(1)
fn main() {
  let scale = lossScale[0];
  let steps = lossScale[1] + 1.0;
  if (overflow[0] != 0u) {
    lossScale[0] = scale * 0.5;
    lossScale[1] = 0.0;
  } else if (steps >= p.steps) {
    lossScale[0] = min(scale * 2.0, p.most);
    lossScale[1] = 0.0;
  } else {
    lossScale[1] = steps;
  }
}
