// The ops of binary.wgsl, binary_int.wgsl and binary_backward.wgsl.
override OP: u32 = 0;
const ADD = 0u; // op
const SUB = 1u; // op
const MUL = 2u; // op
const DIV = 3u; // op
const POW = 4u; // op
const MAXIMUM = 5u; // op
const MINIMUM = 6u; // op
