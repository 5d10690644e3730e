import { Presets, SingleBar } from 'cli-progress';
import type { MeasuredRow } from '../../../bench/measure.ts';

export interface Progress {
  op(name: string): void;
  row(row: MeasuredRow): void;
  /** Prints to stdout without disturbing the bar. */
  print(text: string): void;
  stop(): void;
}

/** A bar of the ops on a terminal; nothing elsewhere, where the tables themselves show how far it is. */
export function showProgress(total: number, stream = process.stderr): Progress {
  if (!stream.isTTY) return { op() {}, row() {}, print: (text) => console.log(`\n${text}`), stop() {} };
  const format = 'measuring {bar} {value}/{total} ops | {op} {shape} | {duration_formatted}';
  const bar = new SingleBar({ stream, format, clearOnComplete: true }, Presets.shades_classic);
  let done = -1;
  bar.start(total, 0, { op: '', shape: '' });
  return {
    op: (op) => bar.update(++done, { op, shape: '' }),
    row: ({ shape, series }) => bar.update(done, { shape: `${shape} ${series}` }),
    print: (text) => {
      // The bar draws itself again below.
      stream.write('\r\x1b[K');
      console.log(`\n${text}`);
    },
    stop: () => bar.stop(),
  };
}
