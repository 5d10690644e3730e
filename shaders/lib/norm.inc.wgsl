// Which weight and bias the elements of a normalised row take: those of their column or, with CHANNELS, those of their channel. Rows are
// then groups of channels in turn, `groups` of them an image, and a channel is `inner` elements of its row side by side.
override CHANNELS: bool = false;

// The first channel of a row.
fn firstChannel(row: u32, groups: u32, cols: u32, inner: u32) -> u32 {
  if (!CHANNELS) { return 0u; }
  return (row % groups) * (cols / inner);
}

// The place of a column's weight, counted from the first channel on.
fn affineAt(first: u32, col: u32, inner: u32) -> u32 {
  if (!CHANNELS) { return col; }
  return first + col / inner;
}
