// A value of channel c as it is read: through the batch norm and ReLU before it, as far as it has them.
fn through(x: f32, c: u32, channels: u32) -> f32 {
  var value = x;
  //! if AFFINE
  value = value * affine[c] + affine[channels + c];
  //! end
  //! if RELU
  value = max(value, 0.0);
  //! end
  return value;
}
