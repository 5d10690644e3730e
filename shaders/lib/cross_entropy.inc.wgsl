// What the kernels of crossEntropy share. A row's stats are (m, Q w / s, w, loss): its maximum; the sum of its target, over its sum of
// exp(x - m); the weight of its gradient: 1, or 0 for an ignored or wholly masked row, or NaN where the class index is out of range; its loss.
override PROBS: bool = false;
override SMOOTH: bool = false;
override REDUCTION: u32 = 0;
const NONE = 0u; // op
const SUM = 1u; // op
const MEAN = 2u; // op

// Whether a mean counts the row: 1, or 0 for an ignored one.
fn counted(stats: vec4f) -> f32 {
  return select(1.0, 0.0, stats.z == 0.0 && stats.w == 0.0);
}

// What the sum of losses is multiplied with: of nothing but ignored rows the mean is 0.
fn reductionScale(count: f32) -> f32 {
  return select(1.0, select(1.0 / count, 0.0, count == 0.0), REDUCTION == MEAN);
}
