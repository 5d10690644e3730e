// What `--markdown` writes: docs/conformance.md, so that it need not be kept by hand.
import { type Tally, tally, type Verdict } from './report.ts';

/** Operators by family, whatever the suites call them. */
const FAMILIES: readonly (readonly [family: string, operators: RegExp])[] = [
  [
    'Attention',
    /^(additive|dot_?product|flex|grouped_?query|multi_?head)?_?attention$|^(SDPA|Transformer(En|De)coderLayer|NonLocal|SAGAN|SE|ECA|CBAM)$/i,
  ],
  ['Softmax', /^(log_?)?softmax$|^hardmax$|^sparsemax$|log_?sum_?exp$/i],
  ['Cross entropy', /(softmax|categorical)_?cross_?entropy(loss)?$|^CrossEntropy$|^NegativeLogLikelihoodLoss$/i],
  ['Pooling', /pool(ing)?(\d?d)?(WithArgmax)?$|^MaxUnpool$/i],
  ['Convolution', /^(fused\.)?(depthwise_?|separable_?)?conv(olution)?_?(\dd)?_?(transpose)?(\dd)?$/i],
  ['Normalisation', /^((batch|instance|group|layer|rms)_?norm(alization)?)$/i],
  ['Resampling', /^resample2d$|^(image\.)?(resize|crop_?and_?resize)/i],
];

/** Tables of the families' operators: how many cases pass, and why the others are unsupported. */
export function toMarkdown(verdicts: readonly Verdict[]): string {
  const parts = FAMILIES.flatMap(([family, operators]) => {
    const own = verdicts.filter(({ case: { op } }) => operators.test(op));
    return own.length === 0 ? [] : [`## ${family}`, '', sentence(tally(own)), '', ...table(own), ''];
  });
  return [
    '# Conformance',
    '',
    'Third-party cases of the families below, written by `npm run conformance -- DIR --markdown docs/conformance.md`; do not edit. A case is',
    'unsupported where it asks for what Fovea does not have or does otherwise by intent, or for a type that the device lacks. `--verbose` lists each.',
    '',
    ...parts,
  ].join('\n');
}

const sentence = ({ passed, failed, unsupported }: Tally) =>
  `${passed} passed, ${failed} failed, ${unsupported} unsupported.`;

function table(verdicts: readonly Verdict[]): string[] {
  const groups = new Map<string, Verdict[]>();
  for (const v of verdicts) {
    const key = `${v.case.suite} | ${v.case.op}`;
    groups.set(key, [...(groups.get(key) ?? []), v]);
  }
  return [
    '| suite | operator | passed | failed | unsupported |',
    '|---|---|---:|---:|---|',
    ...[...groups.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, group]) => `| ${name} | ${tally(group).passed} | ${tally(group).failed} | ${reasonsOf(group)} |`),
  ];
}

/** The different reasons, each with how often it was given. */
function reasonsOf(verdicts: readonly Verdict[]): string {
  const counts = new Map<string, number>();
  for (const { outcome } of verdicts)
    if (outcome.status === 'unsupported') counts.set(outcome.reason, (counts.get(outcome.reason) ?? 0) + 1);
  return [...counts].map(([reason, n]) => `${n}: ${reason.replaceAll('|', '\\|')}`).join('; ');
}
