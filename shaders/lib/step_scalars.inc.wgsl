// What an optimiser's step needs that changes with the step: the elements of its `scalars`, written by tick.wgsl (LR by the host).
const NORM = 0u;      // the norm of all gradients
const CLIP = 1u;      // the factor that brings it down to the largest allowed
const LR = 2u;        // learning rate
const STEP_SIZE = 3u; // Adam: lr / (1 - beta1^t)
const ROOT = 4u;      // Adam: 1 / sqrt(1 - beta2^t)
const MIX = 5u;       // SGD: the gradient's part in the momentum, 1 - dampening, but 1 in the first step
