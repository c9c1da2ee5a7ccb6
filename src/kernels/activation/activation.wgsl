/** What an operation stores of its result: its activation function. */
fn activated(value: vec4f) -> vec4f {
  //! if LEAKY
  return max(value, value * 0.1);
  //! else
  //! if CAPPED
  return clamp(value, vec4f(), vec4f(6.0));
  //! else
  return max(value, vec4f());
  //! end
  //! end
}
