/** Base of every error Fovea throws: `op` names the operator, the message is one sentence that begins with it. */
export class FoveaError extends Error {
  override readonly name: string = 'FoveaError';
  readonly op: string;
  constructor(op: string, message: string, options?: ErrorOptions) {
    super(`${op}: ${message}`, options);
    this.op = op;
  }
}

/** An option or a number outside its range. */
export class ArgumentError extends FoveaError {
  override readonly name = 'ArgumentError';
}

/** Shapes that do not fit the operator or each other. */
export class ShapeError extends FoveaError {
  override readonly name = 'ShapeError';
}

/** A tensor of a type the operator does not take. */
export class DTypeError extends FoveaError {
  override readonly name = 'DTypeError';
}

/** A request beyond what the device can do; found before anything is dispatched. */
export class LimitError extends FoveaError {
  override readonly name = 'LimitError';
}

/** A tensor (or engine) used after it was freed. */
export class DisposedError extends FoveaError {
  override readonly name = 'DisposedError';
}

/** A kernel that the device's compiler or validation refused, with the compiler's words, file and line. */
export class KernelError extends FoveaError {
  override readonly name = 'KernelError';
}

/** The device has no memory left for a buffer. */
export class OutOfMemoryError extends FoveaError {
  override readonly name = 'OutOfMemoryError';
}

/** The device was lost (driver reset, tab suspended, `destroy()`); create a new `Gpu`. */
export class DeviceLostError extends FoveaError {
  override readonly name = 'DeviceLostError';
}
