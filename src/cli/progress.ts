import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  /** `done` of `total`, and what is being done. */
  update(done: number, total: number, what: string): void;
  /** Prints to stdout without disturbing the bar. */
  print(text: string): void;
  stop(): void;
}

/** A bar on a terminal; elsewhere a line a step. */
export function showProgress(doing: string, unit: string, stream = process.stderr): Progress {
  if (!stream.isTTY) {
    return {
      update: (done, total, what) => stream.write(`${doing} ${done}/${total} ${unit} | ${what}\n`),
      print: (text) => console.log(text),
      stop() {},
    };
  }
  const format = `${doing} {bar} {value}/{total} ${unit} | {what} | {duration_formatted}`;
  const bar = new SingleBar({ stream, format, clearOnComplete: true }, Presets.shades_classic);
  bar.start(1, 0, { what: '' });
  return {
    update: (done, total, what) => {
      bar.setTotal(total);
      bar.update(done, { what });
    },
    print: (text) => {
      // The bar draws itself again below.
      stream.write('\r\x1b[K');
      console.log(text);
    },
    stop: () => bar.stop(),
  };
}
