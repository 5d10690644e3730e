// What a caller's WGSL adds to attention: its functions in place of those marked `hook`, and two arrays of words that they may read. The kernel
// declares `aux`, which holds the arrays, and params.extras: where each begins, with its size.
override SCORE_MOD: bool = false; // whether there is a score_mod
override MASK_MOD: bool = false;  // and a mask_mod

fn score_mod_grad(score: f32, b: u32, h: u32, q: u32, k: u32) -> f32 { return 1.0; } // hook
fn score_mod(score: f32, b: u32, h: u32, q: u32, k: u32) -> f32 { return score; } // hook
fn mask_mod(b: u32, h: u32, q: u32, k: u32) -> bool { return true; } // hook
fn extra0(i: u32) -> f32 { return bitcast<f32>(extraWord(params.extras.xy, i)); } // hook
fn extra1(i: u32) -> f32 { return bitcast<f32>(extraWord(params.extras.zw, i)); } // hook

// Word i of an array in aux, given where it begins and how many it has.
fn extraWord(array: vec2u, i: u32) -> u32 { return aux[array.x + min(i, array.y - 1u)]; }

// Queries and keys of a block of a mask_mod: see attention_block_mask.wgsl.
const MASK_BLOCK = 32u;
const EMPTY_BLOCK = 0u;
const PARTIAL_BLOCK = 1u;
const FULL_BLOCK = 2u;
