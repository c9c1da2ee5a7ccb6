struct Params { count: u32, value: f32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

//! include invocation64

fn run(at: u32) {
  if (at < p.count) { out[at] = p.value; }
}
