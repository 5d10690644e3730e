// Resizing as WebNN and TensorFlow.js name it.
import { type ResizeOptions, reshape, resize, type Tensor } from '../../../index.ts';
import { type Args, type Operators, Unsupported } from '../args.ts';

/** Along two neighbouring axes, wherever they are: those before are the batch, those behind the channels. */
function resample(x: Args): Tensor {
  const input = x.t('input');
  const axes = x.ints('axes') ?? [2, 3];
  const turned = (axes[0] as number) > (axes[1] as number);
  const first = Math.min(...axes);
  if (Math.max(...axes) !== first + 1) throw new Unsupported('axes that are not neighbours');
  const inOrder = (list: readonly number[]) => (turned ? list.toReversed() : list);
  const [sizes, scales] = [x.ints('sizes'), x.ints('scales') ?? [1, 1]];
  const mode = x.str('mode', 'nearest-neighbor') === 'linear' ? 'bilinear' : 'nearest';
  const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
  const [before, behind] = [input.shape.slice(0, first), input.shape.slice(first + 2)];
  const images = reshape(input, [product(before), ...input.shape.slice(first, first + 2), product(behind)]);
  const y = resize(images, {
    ...(sizes ? { size: inOrder(sizes) } : { scale: inOrder(scales) }),
    mode,
    halfPixelCenters: true,
    layout: 'nhwc',
  });
  return reshape(y, [...before, ...y.shape.slice(1, 3), ...behind]);
}

export const webnnResamples: Operators = { resample2d: resample };

/** Images [H, W, C] or [N, H, W, C]; the size, `alignCorners` and `halfPixelCenters` by position. */
const resizing =
  (mode: NonNullable<ResizeOptions['mode']>) =>
  (x: Args): Tensor => {
    const data = x.t(0);
    const options = { size: x.ints(1) as number[], alignCorners: x.flag(2), halfPixelCenters: x.flag(3) };
    const y = resize(data.rank === 3 ? reshape(data, [1, ...data.shape]) : data, { ...options, mode, layout: 'nhwc' });
    return data.rank === 3 ? reshape(y, y.shape.slice(1)) : y;
  };

export const tfjsResamples: Operators = {
  'image.resizeBilinear': resizing('bilinear'),
  'image.resizeNearestNeighbor': resizing('nearest'),
};
