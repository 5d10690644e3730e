/** Input that cannot be used; the message is one sentence for the terminal, the program ends with code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What a page answered, or the sentence with which it refused. */
export function answered<T>(result: { readonly answer: T } | { readonly refused: string }): T {
  if ('refused' in result) throw new UsageError(result.refused);
  return result.answer;
}
