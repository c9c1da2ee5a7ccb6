// Loads row $ky of the window of output row `y`.
{
  //! if FLAT
  let at0 = y * ${CIN}u;
  //! else
  let iy = y * ${STRIDE}u + ${ky}u - p.pad;
  //! if PAD
  // Unsigned: what lies above or left of the map wraps to a large number.
  let start = (image * p.inH + min(iy, p.inH - 1u)) * p.inW;
  //! for kx in 0 .. SIDE
  let live$kx = iy < p.inH && ix$kx < p.inW;
  let at$kx = (start + min(ix$kx, p.inW - 1u)) * ${CIN}u;
  //! end
  //! else
  let start = (image * p.inH + iy) * p.inW;
  //! for kx in 0 .. SIDE
  let at$kx = (start + ix$kx) * ${CIN}u;
  //! end
  //! end
  //! end
  //! for kx in 0 .. SIDE
  //! for c in 0 .. CIN
  {
    var value = x[at$kx + ${c}u];
    //! if AFFINE
    value = value * scale$c + shift$c;
    //! end
    //! if RELU
    value = max(value, 0.0);
    //! end
    //! if PAD
    value = select(0.0, value, live$kx);
    //! end
    window[(${ky}u * ${SIDE}u + ${kx}u) * ${CIN}u + ${c}u] = value;
  }
  //! end
  //! end
}
