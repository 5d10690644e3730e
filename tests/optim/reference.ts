// PyTorch's optimisers (torch.optim 2.x, foreach=False), in doubles, from their documentation.

export interface Reference {
  step(params: Float64Array[], grads: readonly Float64Array[], lr: number): void;
}

export function adamReference(
  options: { betas?: [number, number]; eps?: number; decay?: number; decoupled?: boolean } = {},
): Reference {
  const { betas: [b1, b2] = [0.9, 0.999], eps = 1e-8, decay = 0, decoupled = false } = options;
  let m: Float64Array[] = [];
  let v: Float64Array[] = [];
  let t = 0;
  return {
    step(params, grads, lr) {
      t++;
      if (t === 1) [m, v] = [params.map((p) => p.map(() => 0)), params.map((p) => p.map(() => 0))];
      params.forEach((p, k) => {
        for (let i = 0; i < p.length; i++) {
          if (decoupled) p[i]! *= 1 - lr * decay;
          const g = grads[k]![i]! + (decoupled ? 0 : decay * p[i]!);
          m[k]![i] = b1 * m[k]![i]! + (1 - b1) * g;
          v[k]![i] = b2 * v[k]![i]! + (1 - b2) * g * g;
          const mean = m[k]![i]! / (1 - b1 ** t);
          p[i]! -= (lr * mean) / (Math.sqrt(v[k]![i]! / (1 - b2 ** t)) + eps);
        }
      });
    },
  };
}

export function sgdReference(
  options: { momentum?: number; dampening?: number; nesterov?: boolean; decay?: number } = {},
): Reference {
  const { momentum = 0, dampening = 0, nesterov = false, decay = 0 } = options;
  let b: Float64Array[] | null = null;
  return {
    step(params, grads, lr) {
      const g = grads.map((x, k) => x.map((v, i) => v + decay * params[k]![i]!));
      if (momentum !== 0) {
        b = b ? b.map((x, k) => x.map((v, i) => momentum * v + (1 - dampening) * g[k]![i]!)) : g.map((x) => x.slice());
      }
      params.forEach((p, k) => {
        for (let i = 0; i < p.length; i++) {
          const d = b ? (nesterov ? g[k]![i]! + momentum * b[k]![i]! : b[k]![i]!) : g[k]![i]!;
          p[i]! -= lr * d;
        }
      });
    },
  };
}

/** torch.nn.utils.clip_grad_norm_. */
export function clipReference(
  grads: readonly Float64Array[],
  maxNorm: number,
): { grads: Float64Array[]; norm: number } {
  const norm = Math.sqrt(grads.reduce((a, g) => a + g.reduce((b, v) => b + v * v, 0), 0));
  const factor = Math.min(1, maxNorm / (norm + 1e-6));
  return { grads: grads.map((g) => g.map((v) => v * factor)), norm };
}
