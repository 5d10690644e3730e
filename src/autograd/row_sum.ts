import type { Tensor } from '../tensor.ts';

/**
 * A gradient that is a sum over the rows of its operands, not computed yet. Those of one tensor and form can wait for each other and be summed
 * at once over all their rows: a recurrent network's steps leave a weight one long product instead of many short ones and their sum.
 */
export class RowSum {
  /** Those with equal forms differ in their operands' rows alone. */
  readonly form: string;
  readonly operands: readonly Tensor[];
  /** The sum over the rows of all of `parts`: each is the operands of one. */
  readonly sum: (parts: readonly (readonly Tensor[])[]) => Tensor;

  constructor(form: string, operands: readonly Tensor[], sum: RowSum['sum']) {
    this.form = form;
    this.operands = operands;
    this.sum = sum;
  }

  /** The same with a share of the operands' memory. */
  alias(): RowSum {
    return new RowSum(
      this.form,
      this.operands.map((t) => t.alias()),
      this.sum,
    );
  }

  dispose(): void {
    for (const t of this.operands) t.dispose();
  }
}
