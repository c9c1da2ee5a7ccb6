// The window moves down: its lower rows are the next one's upper rows.
//! for v in 0 .. KEPT
window[$v] = window[${v}u + ${MOVED}u];
//! end
