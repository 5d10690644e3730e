// The second reading of a lane's elements: y = exp(x - m) / s, or x - m - log(s) with LOG. To be included after lib/online.inc.wgsl and lib/softmax_input.inc.wgsl;
// includers bind y and have LOG.
fn writeRow(first: u32, seenFirst: u32, end: u32, pair: vec2f) {
  let scale = reciprocalSum(pair);
  let logS = logSum(pair);
  let step = LANES * params.inner;
  let stride = LANES * params.maskStep;
  var at = first;
  var seen = seenFirst;
  for (; at + 3u * step < end; at += 4u * step) {
    var v = loadFour(at, seen) - pair.x;
    if (LOG) { v -= logS; } else { v = exp(v) * scale; }
    y[at] = Scalar(v.x);
    y[at + step] = Scalar(v.y);
    y[at + 2u * step] = Scalar(v.z);
    y[at + 3u * step] = Scalar(v.w);
    seen += 4u * stride;
  }
  for (; at < end; at += step) {
    let v = load(at, seen) - pair.x;
    if (LOG) { y[at] = Scalar(v - logS); } else { y[at] = Scalar(exp(v) * scale); }
    seen += stride;
  }
}
