// An invocation has four lanes of images [outer, D, H, W, inner]: neighbours along W, or with INNER along `inner`, which is then longer than 1. Needs `params.inner`
// and `params.blocks`, the fours of lanes along either.
#include "lib/index.inc.wgsl"

override INNER: bool = false;
override DEEP: bool = true; // whether there are several planes along D
// Whether the lanes lie params.blocks apart, so that those of neighbouring invocations are neighbours, as GPUs like to read and write; else
// an invocation's own are.
override APART: bool = false;

const LANES = vec4u(0u, 1u, 2u, 3u);
fn lanes() -> vec4u { return LANES * select(1u, params.blocks, APART); }
// From the first lane to each, along W and along `inner`.
fn laneW() -> vec4u { return select(lanes(), vec4u(), INNER); }
fn laneInner() -> vec4u { return select(vec4u(), lanes(), INNER); }

// The lanes of invocation i, of an array of [outer, n.x, n.y, n.z, inner]: d, h, where the first lane is along W, outer and inner.
struct Place { d: u32, h: u32, w: u32, outer: u32, inner: u32 }
fn placeOf(i: u32, n: vec3u) -> Place {
  // Quotients alone: a remainder would cost a division more.
  var rest = i / params.blocks;
  let quad = (i - rest * params.blocks) * select(4u, 1u, APART);
  var place = Place(0u, 0u, quad, 0u, 0u);
  if (INNER) {
    let above = rest / n.z;
    place.w = rest - above * n.z;
    place.inner = quad;
    rest = above;
  }
  place.outer = rest / n.y;
  place.h = rest - place.outer * n.y;
  if (DEEP) {
    let plane = place.outer;
    place.outer = plane / n.x;
    place.d = plane - place.outer * n.x;
  }
  return place;
}
// Where the element of the first lane is.
fn indexOf(place: Place, n: vec3u) -> u32 {
  return (((place.outer * n.x + place.d) * n.y + place.h) * n.z + place.w) * params.inner + place.inner;
}
// How many of the lanes there are.
fn lanesOf(place: Place, n: vec3u) -> u32 {
  let left = select(n.z - place.w, params.inner - place.inner, INNER);
  if (!APART) { return left; }
  return dot(select(vec4u(), vec4u(1u), lanes() < vec4u(left)), vec4u(1u));
}
