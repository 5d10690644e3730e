// The backward of softmax and (LOG) of its logarithm, element by element. With MASK what has no probability has no gradient either, whatever dy is there.
override LOG: bool = false;
override MASK: bool = false;

// What is summed over a row: y * dy, or dy beside the number of elements that were not masked.
fn term(y: f32, dy: f32) -> vec2f {
  if (LOG) { return vec2f(dy, select(1.0, 0.0, y <= -3.3e38)); }
  return vec2f(select(y * dy, 0.0, MASK && y == 0.0), 0.0);
}

fn slope(y: f32, dy: f32, sums: vec2f) -> f32 {
  if (LOG) { return select(0.0, dy - exp(y) * sums.x, sums.y > 0.0); }
  return select(y * (dy - sums.x), 0.0, MASK && y == 0.0);
}
