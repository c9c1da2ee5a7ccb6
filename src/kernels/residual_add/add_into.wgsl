// sum (+)= addend
struct Params { count: u32, accumulate: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> addend: array<$TYPE>;
@group(0) @binding(2) var<storage, read_write> sum: array<$TYPE>;

//! include invocation64

fn run(at: u32) {
  if (at >= p.count) { return; }
  var value = addend[at];
  if (p.accumulate != 0u) { value += sum[at]; }
  sum[at] = value;
}
