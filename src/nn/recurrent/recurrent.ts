import { describe } from '../../host.ts';
import { concat } from '../../ops/concat.ts';
import { matmul } from '../../ops/matmul.ts';
import type { SequenceOptions } from '../../ops/recurrent.ts';
import { reshape } from '../../ops/shape.ts';
import { slice } from '../../ops/slice.ts';
import { Rng } from '../../random/rng.ts';
import { ArgumentError, ShapeError } from '../../runtime/errors.ts';
import type { Gpu } from '../../runtime/gpu.ts';
import { scope } from '../../runtime/scope.ts';
import type { Tensor } from '../../tensor.ts';
import { uniform } from '../init.ts';
import { Module } from '../module.ts';
import { type Parameter, parameter } from '../parameter.ts';

export interface RecurrentOptions {
  /** Whether a second set of weights reads the sequence backwards; default false. */
  readonly bidirectional?: boolean;
  /** How many such layers stand on top of each other; default 1. */
  readonly layers?: number;
  /** Where the seeds of the first weights come from; default one of its own, seeded at random. */
  readonly rng?: Rng;
}

export interface RecurrentInput {
  /** [layers * directions, B, H]; default zeros. */
  readonly state?: Tensor;
  /** [B], u32 or i32: the steps of each sequence; default T for all. */
  readonly lengths?: Tensor;
}

/** One direction of one layer. */
interface Direction {
  readonly weightIh: Parameter;
  readonly weightHh: Parameter;
  readonly biasIh: Parameter;
  readonly biasHh: Parameter;
  readonly reverse: boolean;
}

type Sequence = (
  gx: Tensor,
  h0: Tensor,
  u: Tensor,
  bias: Tensor,
  options: SequenceOptions,
) => { readonly y: Tensor; readonly hLast: Tensor };

/**
 * What RNN and GRU share. The parameters have PyTorch's names, shapes and order: `weight_ih_l0` [gates * H, I], `weight_hh_l0` [gates * H, H],
 * `bias_ih_l0` and `bias_hh_l0` [gates * H], then those of `l0_reverse`, `l1` and so on, all uniform in +-1 / sqrt(H) at first.
 */
export abstract class Recurrent extends Module {
  readonly #layers: Direction[][];
  readonly #hidden: number;
  readonly #sequence: Sequence;

  constructor(
    name: string,
    gpu: Gpu,
    gates: number,
    inputSize: number,
    hiddenSize: number,
    options: RecurrentOptions,
    sequence: Sequence,
  ) {
    super();
    const { bidirectional = false, layers = 1, rng = new Rng() } = options;
    for (const [what, n] of Object.entries({ inputSize, hiddenSize, layers })) {
      if (!Number.isInteger(n) || n < 1)
        throw new ArgumentError(name, `${what} must be a whole number of at least 1, got ${n}`);
    }
    this.#hidden = hiddenSize;
    this.#sequence = sequence;
    const bound = 1 / Math.sqrt(hiddenSize);
    const make = (field: string, shape: number[]): Parameter => {
      const t = parameter(uniform(-bound, bound)(gpu, shape, rng));
      Object.assign(this, { [field]: t });
      return t;
    };
    const directions = bidirectional ? 2 : 1;
    this.#layers = Array.from({ length: layers }, (_, layer) =>
      Array.from({ length: directions }, (_, direction) => {
        const suffix = `l${layer}${direction === 1 ? '_reverse' : ''}`;
        return {
          weightIh: make(`weight_ih_${suffix}`, [
            gates * hiddenSize,
            layer === 0 ? inputSize : directions * hiddenSize,
          ]),
          weightHh: make(`weight_hh_${suffix}`, [gates * hiddenSize, hiddenSize]),
          biasIh: make(`bias_ih_${suffix}`, [gates * hiddenSize]),
          biasHh: make(`bias_hh_${suffix}`, [gates * hiddenSize]),
          reverse: direction === 1,
        };
      }),
    );
  }

  /**
   * @param x [B, T, inputSize]
   * @returns `output` [B, T, directions * H], the last layer's states (zeros past a sequence's length), and `state`
   *          [layers * directions, B, H], the last state of each
   * @throws ShapeError
   */
  forward(x: Tensor, input: RecurrentInput = {}): { output: Tensor; state: Tensor } {
    return scope(() => {
      const states: Tensor[] = [];
      let output = x;
      for (const layer of this.#layers) {
        const results = layer.map((direction) =>
          this.#run(direction, output, this.#initial(x, input, states.length + layer.indexOf(direction)), input),
        );
        states.push(...results.map((r) => r.hLast));
        output = join(
          results.map((r) => r.y),
          2,
        );
      }
      const B = x.shape[0] as number;
      return {
        output,
        state: join(
          states.map((s) => reshape(s, [1, B, this.#hidden])),
          0,
        ),
      };
    });
  }

  #run({ weightIh, weightHh, biasIh, biasHh, reverse }: Direction, x: Tensor, h0: Tensor, { lengths }: RecurrentInput) {
    const gx = matmul(x, weightIh, { transposeB: true, bias: biasIh });
    return this.#sequence(gx, h0, weightHh, biasHh, { reverse, ...(lengths && { lengths }) });
  }

  #initial(x: Tensor, { state }: RecurrentInput, index: number): Tensor {
    const shape = [x.shape[0] as number, this.#hidden];
    if (!state) return x.gpu.zeros(shape, x.dtype);
    const count = this.#layers.length * (this.#layers[0]?.length ?? 1);
    if (state.shape.join() !== [count, ...shape].join()) {
      throw new ShapeError(
        this.constructor.name,
        `state must have shape [${[count, ...shape].join(', ')}], got ${describe(state)}`,
      );
    }
    return reshape(count === 1 ? state : slice(state, [[index, index + 1]]), shape);
  }
}

const join = (parts: readonly Tensor[], axis: number): Tensor =>
  parts.length === 1 ? (parts[0] as Tensor) : concat(parts, { axis });
