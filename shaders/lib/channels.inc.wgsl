// The elements of a channel of data seen as [outer, channels, inner], counted along outer and then inner. To be included after lib/lanes.inc.wgsl:
// LANES invocations share a chunk of them.
struct Channels { channels: u32, inner: u32, count: u32, chunk: u32, outputs: u32 } // count = outer * inner; outputs = chunks * channels
struct Place { n: u32, i: u32 } // along outer and inner

// A chunk of a channel: the elements from begin to before stop.
struct Piece { channel: u32, begin: u32, stop: u32 }

// The piece of output `out` of [chunks, channels]; an empty one past the last.
fn pieceOf(out: u32, size: Channels) -> Piece {
  let begin = (out / size.channels) * size.chunk;
  return Piece(out % size.channels, begin, select(0u, min(begin + size.chunk, size.count), out < size.outputs));
}

fn placeOf(j: u32, size: Channels) -> Place {
  return Place(j / size.inner, j % size.inner);
}

// The place LANES elements on, `step` being placeOf(LANES): division costs more than a comparison.
fn moved(at: Place, step: Place, size: Channels) -> Place {
  let i = at.i + step.i;
  let past = i >= size.inner;
  return Place(at.n + step.n + select(0u, 1u, past), select(i, i - size.inner, past));
}

fn elementOf(at: Place, channel: u32, size: Channels) -> u32 {
  return (at.n * size.channels + channel) * size.inner + at.i;
}
