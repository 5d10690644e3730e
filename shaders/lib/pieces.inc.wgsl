// Of up to eight pieces side by side, the one that column c lies in: the first that ends beyond it. Includers declare params with the `ends`, in order.
// By vectors rather than a loop: indices that are not constant make it several times slower on a CPU.
struct Piece { k: u32, begin: u32, width: u32 }

fn pieceOf(c: u32) -> Piece {
  let a = params.ends[0];
  let b = params.ends[1];
  let pastA = a <= vec4u(c);
  let pastB = b <= vec4u(c);
  let count = select(vec4u(), vec4u(1u), pastA) + select(vec4u(), vec4u(1u), pastB);
  let begins = max(select(vec4u(), a, pastA), select(vec4u(), b, pastB));
  let ends = min(select(a, vec4u(0xffffffffu), pastA), select(b, vec4u(0xffffffffu), pastB));
  let begin = max(max(begins.x, begins.y), max(begins.z, begins.w));
  let end = min(min(ends.x, ends.y), min(ends.z, ends.w));
  return Piece(count.x + count.y + count.z + count.w, begin, end - begin);
}
