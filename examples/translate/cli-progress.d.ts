declare module 'cli-progress' {
  interface BarOptions {
    stream?: NodeJS.WritableStream;
    format?: string;
    fps?: number;
    etaBuffer?: number;
  }

  export class SingleBar {
    constructor(options: BarOptions, preset?: BarOptions);
    start(total: number, startValue: number, payload?: object): void;
    update(current: number, payload?: object): void;
    stop(): void;
  }

  export const Presets: { shades_classic: BarOptions };
}
