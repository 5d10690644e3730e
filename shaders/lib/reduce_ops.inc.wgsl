// The ops of reduce.wgsl. Accumulators are f32 or u32 kept as bits, so that one kernel serves floats and integers: i32 wraps as u32 does.
override OP: u32 = 0;
const SUM = 0u; // op
const PROD = 1u; // op
const SUM_INT = 2u; // op
const PROD_INT = 3u; // op

// Steps that are summed before they go into the running total: the error of a sum grows with RUN and with the number of runs, not with its length.
const RUN = 16u;

fn identity() -> u32 {
  switch (OP) {
    case PROD: { return bitcast<u32>(1.0); }
    case PROD_INT: { return 1u; }
    default: { return 0u; }
  }
}

fn combine(a: u32, b: u32) -> u32 {
  switch (OP) {
    case SUM: { return bitcast<u32>(bitcast<f32>(a) + bitcast<f32>(b)); }
    case PROD: { return bitcast<u32>(bitcast<f32>(a) * bitcast<f32>(b)); }
    case SUM_INT: { return a + b; }
    default: { return a * b; }
  }
}

fn combine4(a: vec4u, b: vec4u) -> vec4u {
  switch (OP) {
    case SUM: { return bitcast<vec4u>(bitcast<vec4f>(a) + bitcast<vec4f>(b)); }
    case PROD: { return bitcast<vec4u>(bitcast<vec4f>(a) * bitcast<vec4f>(b)); }
    case SUM_INT: { return a + b; }
    default: { return a * b; }
  }
}
