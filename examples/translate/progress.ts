import { Presets, SingleBar } from 'cli-progress';

export interface Progress {
  update(step: number, loss: number): void;
  /** Ends the bar where it is; nothing of it is left to keep the program alive. */
  stop(): void;
}

type Stream = NodeJS.WritableStream & { isTTY?: boolean };

const LINE_EVERY_MS = 5000;

/** A bar with loss and steps per second on a terminal, a line every five seconds elsewhere. */
export function showProgress(total: number, stream: Stream = process.stderr): Progress {
  return stream.isTTY ? bar(total, stream) : lines(total, stream);
}

export const silent: Progress = { update() {}, stop() {} };

function bar(total: number, stream: Stream): Progress {
  const format = 'training {bar} {value}/{total} | loss {loss} | {rate} steps/s | {eta_formatted} left';
  const shown = new SingleBar({ stream, format, etaBuffer: 100 }, Presets.shades_classic);
  const started = performance.now();
  shown.start(total, 0, { loss: '-', rate: '-' });
  return {
    update: (step, loss) => shown.update(step, { loss: loss.toFixed(4), rate: rate(step, started) }),
    stop: () => shown.stop(),
  };
}

function lines(total: number, stream: Stream): Progress {
  const started = performance.now();
  let printed = started;
  let pending = '';
  const flush = () => {
    if (pending) stream.write(pending);
    pending = '';
    printed = performance.now();
  };
  return {
    update(step, loss) {
      pending = `step ${step}/${total}: loss ${loss.toFixed(4)}, ${rate(step, started)} steps/s\n`;
      if (performance.now() - printed >= LINE_EVERY_MS) flush();
    },
    stop: flush,
  };
}

function rate(step: number, started: number): string {
  const perSecond = (step * 1000) / Math.max(1, performance.now() - started);
  return perSecond.toFixed(perSecond < 10 ? 1 : 0);
}
