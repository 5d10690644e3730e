import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { program } from '../../src/cli/program.ts';
import { execute } from '../../src/cli/run.ts';

/** The command line in this process: its exit code, and what it printed. */
async function fovea(...args: string[]) {
  const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const log = vi.spyOn(console, 'log').mockReturnValue(undefined);
  const err = vi.spyOn(console, 'error').mockReturnValue(undefined);
  try {
    const status = await execute(program(), args);
    const text = (calls: unknown[][]) => calls.map(([line]) => String(line)).join('\n');
    return { status, stdout: text([...out.mock.calls, ...log.mock.calls]), stderr: text(err.mock.calls) };
  } finally {
    out.mockRestore();
    log.mockRestore();
    err.mockRestore();
  }
}

const folder = mkdtempSync(join(tmpdir(), 'fovea-bench-'));

test.each([
  [['bench', 'nothing'], /^bench: there is no nothing, only .*softmax/],
  [['bench', '--rounds', '0'], /--rounds .*0.* It must be a whole number of at least 1/],
  [['bench', '--threshold', 'x'], /--threshold .*x.* It must be a number of at least 0/],
  [['bench', '--dtype', 'f64'], /--dtype .*f64.*f32, f16/],
  [['bench', '--host', 'safari'], /--host .*safari.*chrome, dawn/],
  [['bench', '--nonsense'], /--nonsense/],
  [['bench', '--compare', 'nowhere.json'], /^nowhere\.json: cannot be read \(ENOENT\)$/],
  [['bench', '--json', 'nowhere/out.json'], /^nowhere\/out\.json: cannot be written \(ENOENT\)$/],
  [['bench', '--html', folder], /is a folder$/],
  [['bench', '--chrome', '/nowhere', 'softmax'], /^\/nowhere did not start/],
  [['bench', '--host', 'dawn', '--chrome', 'x', 'softmax'], /^--chrome goes with --host chrome$/],
  [['info', '--tuning', 'nowhere.json'], /^nowhere\.json: cannot be read \(ENOENT\)$/],
  [['tune', '--rounds', '6'], /--rounds .*6.* It must be a whole number of at least 7/],
  [['tune', 'paint'], /^tune: .*paint/],
  [['tune', 'softmax', '--sample', '0'], /^tune: sample must be more than 0, got 0$/],
  [['paint'], /unknown command 'paint'/],
])('%j is refused in one sentence, with code 2', async (args, message) => {
  const { status, stderr } = await fovea(...args);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('\n');
  expect(status).toBe(2);
  expect(readdirSync(folder)).toEqual([]);
});

test('--help names every option and an example', async () => {
  const { status, stdout } = await fovea('bench', '--help');
  expect(status).toBe(0);
  const options =
    '--host --chrome --flag --shapes --dtype --variant --peers --rounds --smoke --json --html --compare --threshold';
  for (const option of options.split(' ')) expect(stdout).toContain(option);
  expect(stdout).toContain('Examples:');
});

test.runIf(process.platform === 'linux')('Dawn without a driver says what it needs', () => {
  const args = ['--import', 'tsx', 'src/cli/checkout.ts', 'bench', 'softmax', '--host', 'dawn', '--smoke'];
  const env = { ...process.env, VK_ICD_FILENAMES: '/nowhere.json' };
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', env });
  expect(stderr).toMatch(/Dawn found no WebGPU adapter: it needs .* VK_ICD_FILENAMES/);
  expect(status).toBe(2);
});

// Three browsers are started, beside those of other tests.
test('tune finds plans, and info says which run with them', async () => {
  const file = join(folder, 'tuning.json');
  const tuned = await fovea('tune', 'softmax:8x256x1', '--rounds', '7', '--sample', '1', '--json', file);
  expect([tuned.stderr, tuned.status]).toEqual(['', 0]);
  expect(tuned.stdout).toMatch(/^op +sizes +plans +gain of the fastest.*\nsoftmax +8x256x1 +\d+ +\d/m);
  const tuning = JSON.parse(readFileSync(file, 'utf8'));
  expect(tuning.measured).toHaveLength(1);
  const { stdout, status } = await fovea('info', '--tuning', file, '--json');
  expect(status).toBe(0);
  const info = JSON.parse(stdout);
  expect(info).toMatchObject({ host: 'chrome', applied: true, adapter: tuning.adapter, version: tuning.version });
  expect(info.limits.maxComputeInvocationsPerWorkgroup).toBeGreaterThanOrEqual(256);
  expect(info.plans.map(({ op }: { op: string }) => op)).toEqual(expect.arrayContaining(['matmul', 'softmax']));
  writeFileSync(file, JSON.stringify({ ...tuning, plans: { softmax: { '8x256x1': { lanes: 3 } } } }));
  const refused = await fovea('info', '--tuning', file);
  expect(refused.stderr).toMatch(/^applyTuning: .*softmax/);
  expect(refused.status).toBe(2);
  rmSync(file);
});

test('info as text', async () => {
  const { stdout, status } = await fovea('info');
  expect(status).toBe(0);
  for (const part of ['family', 'features', 'maxBufferSize', 'matmul']) expect(stdout).toContain(part);
  expect(stdout).not.toContain('undefined');
});
