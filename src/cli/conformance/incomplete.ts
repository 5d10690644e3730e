import type { Case } from './case.ts';

/** Records that leave out what their test is about, so that no engine could pass them; they count as unsupported. */
const INCOMPLETE: readonly { readonly suite: string; readonly name: RegExp; readonly reason: string }[] = [
  { suite: 'tfjs', name: /^customGradient /, reason: 'the record lacks the custom gradient' },
  {
    suite: 'keras',
    name: /^test_overwrite_with_gradient/,
    reason: 'the record lacks the overwrite_with_gradient flag of the variable',
  },
];

/** What the record of a case lacks, if anything. */
export function lackOf({ suite, name }: Case): string | undefined {
  return INCOMPLETE.find((entry) => entry.suite === suite && entry.name.test(name))?.reason;
}
