// dIn = dOut times the slope of the activation whose result was `out`
struct Params { count: u32 }

@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> dOut: array<vec4f>;
@group(0) @binding(2) var<storage, read> out: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> dIn: array<vec4f>;

//! include invocation64

fn run(i: u32) {
  if (i >= p.count) { return; }
  let result = out[i];
  //! if LEAKY
  let slope = select(vec4f(0.1), vec4f(1.0), result > vec4f());
  //! else
  var slope = select(vec4f(), vec4f(1.0), result > vec4f());
  //! if CAPPED
  slope = select(slope, vec4f(), result >= vec4f(6.0));
  //! end
  //! end
  dIn[i] = dOut[i] * slope;
}
