import type { Case } from './case.ts';

/** Records that leave out what their test is about, or are wrong, so that no engine could pass them; they count as unsupported. */
const INCOMPLETE: readonly { readonly suite: string; readonly name: RegExp; readonly reason: string }[] = [
  { suite: 'tfjs', name: /^customGradient /, reason: 'the record lacks the custom gradient' },
  {
    suite: 'keras',
    name: /^test_overwrite_with_gradient/,
    reason: 'the record lacks the overwrite_with_gradient flag of the variable',
  },
  {
    suite: 'webnn',
    name: /^batchNormalization options\.axis=0 \+ gelu$/,
    reason: 'gelu(-2.121315) on record is 34 units in the last place off its value in f64, with 24 allowed',
  },
];

/** What is wrong with the record of a case, if anything. */
export function lackOf({ suite, name }: Case): string | undefined {
  return INCOMPLETE.find((entry) => entry.suite === suite && entry.name.test(name))?.reason;
}
