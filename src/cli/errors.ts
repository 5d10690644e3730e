/** Input that cannot be used; the message is one sentence for the terminal, the program ends with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
