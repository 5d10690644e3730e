// What the kernels of crossEntropy share. A row's stats are (m, Q / s, w, loss): its maximum; the sum of its weighted target, over its sum of exp(x - m);
// what it counts in a mean, or -1 less that for an ignored or wholly masked row, which has no gradient; its loss.
override PROBS: bool = false;
override SMOOTH: bool = false;
override WEIGHTED: bool = false; // the target of each class is multiplied by its weight
override REDUCTION: u32 = 0;
const NONE = 0u; // op
const SUM = 1u; // op
const MEAN = 2u; // op

// What the row counts in a mean.
fn counted(stats: vec4f) -> f32 {
  return select(stats.z, -1.0 - stats.z, stats.z < 0.0);
}

// What the sum of losses is multiplied with: of nothing but ignored rows the mean is 0.
fn reductionScale(count: f32) -> f32 {
  return select(1.0, select(1.0 / count, 0.0, count == 0.0), REDUCTION == MEAN);
}
