// Two translators, letter by letter: one that looks at its source (additive attention) and one that must remember it.
import {
  add,
  arange,
  argmax,
  concat,
  crossEntropy,
  expandDims,
  type Gpu,
  gru,
  less,
  matmul,
  reshape,
  split,
  stack,
  type Tensor,
} from '../../src/index.ts';
import { AdditiveAttention, Embedding, GRU, Linear, Module, type Rng } from '../../src/nn/index.ts';
import { PAD, START } from './data.ts';

export interface Sizes {
  /** Letters and the three symbols. */
  readonly vocabulary: number;
  readonly hidden: number;
}

/** A batch of padded index arrays: sources [B, S] with their lengths [B], decoder inputs and targets [B, T]. */
export interface Batch {
  readonly source: Tensor;
  readonly lengths: Tensor;
  readonly inputs: Tensor;
  readonly targets: Tensor;
}

/** What both translators share: the loss under teacher forcing, and greedy decoding. */
export abstract class Translator extends Module {
  protected abstract readonly readout: Linear;

  /** Reads the sources and returns the decoder: a function of the letters before, [B, n], and its state (none at first). */
  protected abstract read(
    source: Tensor,
    lengths: Tensor,
  ): (letters: Tensor, state?: Tensor) => { states: Tensor; state: Tensor; weights?: Tensor };

  /** The mean cross entropy of the targets, each letter predicted from the right ones before it. */
  loss({ source, lengths, inputs, targets }: Batch): Tensor {
    const { states } = this.read(source, lengths)(inputs);
    return crossEntropy(this.readout.forward(states), targets, { ignoreIndex: PAD });
  }

  /**
   * Greedy, autoregressive: each letter is the likeliest after the ones chosen before it.
   *
   * @returns letters [B, steps], and weights [B, steps, S] from the translator with attention
   */
  translate(source: Tensor, lengths: Tensor, steps: number): { letters: Tensor; weights?: Tensor } {
    const decode = this.read(source, lengths);
    const B = source.shape[0] as number;
    const letters: Tensor[] = [];
    const weights: Tensor[] = [];
    let state: Tensor | undefined;
    let letter = add(source.gpu.zeros([B, 1], 'i32'), START);
    for (let t = 0; t < steps; t++) {
      const step = decode(letter, state);
      state = step.state;
      letter = argmax(this.readout.forward(step.states), { axis: -1 });
      letters.push(letter);
      if (step.weights) weights.push(step.weights);
    }
    return {
      letters: concat(letters, { axis: 1 }),
      ...(weights.length > 0 && { weights: concat(weights, { axis: 1 }) }),
    };
  }
}

/**
 * A bidirectional encoder; a decoder that, before each letter, weighs the encoder's states by additive attention and reads their mean beside the
 * letter before.
 *
 * Bahdanau, Cho, Bengio 2015, https://arxiv.org/abs/1409.0473.
 */
export class AttentionTranslator extends Translator {
  readonly embedding: Embedding;
  readonly encoder: GRU;
  readonly bridge: Linear;
  readonly attention: AdditiveAttention;
  /** The decoder: a GRU over [letter, context], whose matrix lies in two, since the letters' part is known for all steps at once. */
  readonly fromLetters: Linear;
  readonly fromContext: Linear;
  readonly recurrence: Linear;
  readonly readout: Linear;

  constructor(gpu: Gpu, { vocabulary, hidden }: Sizes, rng: Rng) {
    super();
    // Half as wide each way, a quarter for a letter: words need no more.
    const [half, quarter] = [Math.ceil(hidden / 2), Math.ceil(hidden / 4)];
    this.embedding = new Embedding(gpu, vocabulary, quarter, { rng });
    this.encoder = new GRU(gpu, quarter, half, { bidirectional: true, rng });
    this.bridge = new Linear(gpu, 2 * half, hidden, { rng });
    this.attention = new AdditiveAttention(gpu, hidden, 2 * half, half, { rng });
    this.fromLetters = new Linear(gpu, quarter, 3 * hidden, { rng });
    this.fromContext = new Linear(gpu, 2 * half, 3 * hidden, { bias: false, rng });
    this.recurrence = new Linear(gpu, hidden, 3 * hidden, { rng });
    this.readout = new Linear(gpu, hidden, vocabulary, { rng });
  }

  protected read(source: Tensor, lengths: Tensor) {
    const [B, S] = source.shape as [number, number];
    const { output: keys, state: last } = this.encoder.forward(this.embedding.forward(source), { lengths });
    const mask = less(arange(source.gpu, 0, S, 1, 'i32'), expandDims(lengths, 1));
    const projected = this.attention.projectKeys(keys);
    const [forwards, backwards] = split(last, 2, { axis: 0 }) as [Tensor, Tensor];
    const first = reshape(this.bridge.forward(concat([forwards, backwards], { axis: 2 })), [B, -1]);
    const { weight: wContext } = this.fromContext;
    const { weight: u, bias } = this.recurrence;
    return (letters: Tensor, state = first) => {
      const states: Tensor[] = [];
      const weights: Tensor[] = [];
      const inputs = this.fromLetters.forward(this.embedding.forward(letters));
      for (const input of split(inputs, letters.shape[1] as number, { axis: 1 })) {
        const context = this.attention.forward(state, keys, { mask, projected });
        const gx = matmul(expandDims(context.output, 1), wContext, { transposeB: true, bias: input });
        ({ hLast: state } = gru(gx, state, u, bias as Tensor));
        states.push(state);
        weights.push(context.weights);
      }
      return { states: stack(states, { axis: 1 }), state, weights: stack(weights, { axis: 1 }) };
    };
  }
}

/** The classic pair of networks: the encoder's last state is all that the decoder knows of the source. */
export class PlainTranslator extends Translator {
  readonly embedding: Embedding;
  readonly encoder: GRU;
  readonly decoder: GRU;
  readonly readout: Linear;

  constructor(gpu: Gpu, { vocabulary, hidden }: Sizes, rng: Rng) {
    super();
    const quarter = Math.ceil(hidden / 4);
    this.embedding = new Embedding(gpu, vocabulary, quarter, { rng });
    this.encoder = new GRU(gpu, quarter, hidden, { rng });
    this.decoder = new GRU(gpu, quarter, hidden, { rng });
    this.readout = new Linear(gpu, hidden, vocabulary, { rng });
  }

  protected read(source: Tensor, lengths: Tensor) {
    const { state: last } = this.encoder.forward(this.embedding.forward(source), { lengths });
    return (letters: Tensor, state = last) => {
      const { output, state: next } = this.decoder.forward(this.embedding.forward(letters), { state });
      return { states: output, state: next };
    };
  }
}
