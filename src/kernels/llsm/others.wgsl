      //! if LANES
      //! for s in 0 .. SETS
      let other$s = other[row * 4u + j0 + ${s}u * ${LANES}u + lane];
      //! for l in 0 .. PER
      let b${s}x$l = subgroupBroadcast(other$s, ${l}u);
      //! end
      //! end
      //! else
      //! for s in 0 .. SETS
      let other$s = other[row + j0 / 4u + ${s}u];
      //! for l in 0 .. PER
      let b${s}x$l = other$s[$l];
      //! end
      //! end
      //! end
