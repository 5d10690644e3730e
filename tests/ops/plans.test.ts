import { expect, test } from 'vitest';
import { planFor, shapeClass } from '../../src/ops/plans.ts';
import { SHIPPED } from '../../src/ops/shipped_plans.ts';
import type { Family } from '../../src/runtime/adapter.ts';
import { candidatesOf, canonical, parseSizes, tunableOf } from '../../src/tune/tuning.ts';
import { target } from '../helpers/target.ts';

test('a shape class has each size rounded up to a power of two', () => {
  expect(shapeClass([1, 2, 3, 4, 5, 0, 1023, 1025])).toBe('1x2x4x4x8x0x1024x2048');
  expect(shapeClass([])).toBe('');
});

test("a device's own table goes first, the rule last", () => {
  const rule = () => 'rule';
  const own = { op: { '4x8': 'tuned' } };
  expect(planFor({ family: 'unknown', plans: own }, 'op', [3, 8], rule)).toBe('tuned');
  expect(planFor({ family: 'unknown', plans: own }, 'op', [5, 8], rule)).toBe('rule');
  expect(planFor({ family: 'unknown', plans: own }, 'other', [3, 8], rule)).toBe('rule');
  expect(planFor({ family: 'unknown', plans: null }, 'op', [3, 8], rule)).toBe('rule');
  for (const [family, table] of Object.entries(SHIPPED)) {
    for (const [op, classes] of Object.entries(table)) {
      for (const [name, plan] of Object.entries(classes)) {
        const sizes = name.split('x').map(Number);
        const own = { [op]: { [name]: 'tuned' } };
        expect(planFor({ family: family as Family, plans: null }, op, sizes, rule)).toBe(plan);
        expect(planFor({ family: family as Family, plans: own }, op, sizes, rule)).toBe('tuned');
      }
    }
  }
});

test('what is shipped is among the candidates of a device with the default limits, and is not the rule', () => {
  for (const [family, table] of Object.entries(SHIPPED)) {
    const device = target(family as Family);
    for (const [op, classes] of Object.entries(table)) {
      const tunable = tunableOf('test', op);
      for (const [name, plan] of Object.entries(classes)) {
        const sizes = parseSizes('test', tunable, name);
        const [rule, ...others] = candidatesOf(device, tunable, sizes).map(canonical);
        expect(shapeClass(sizes)).toBe(name);
        expect(canonical(plan)).not.toBe(rule);
        expect(others).toContain(canonical(plan));
      }
    }
  }
});
