// What the options of several commands have in common.
import { InvalidArgumentError, Option } from 'commander';
import { UsageError } from './errors.ts';
import type { Host, HostOptions } from './hosts.ts';

/** The hosts a command line knows, by name; the first is the default. */
export type Hosts = Readonly<Record<string, Host>>;

export interface HostChoice {
  readonly host: string;
  readonly chrome?: string;
  readonly flag?: readonly string[];
}

export function hostOptions(hosts: Hosts): Option[] {
  const names = Object.keys(hosts);
  const chrome = new Option('--chrome <path>', "Chrome's executable (default: FOVEA_CHROME, else an installed one)");
  return [
    new Option('--host <name>', 'where it runs: headless Chrome, or Node on Dawn (the package webgpu)')
      .choices(names)
      .default(names[0]),
    ...('chrome' in hosts ? [chrome] : []),
    new Option(
      '--flag <flag>',
      "one more flag of Chrome's, or toggle of Dawn's (enable-dawn-features=…); may be repeated",
    ).argParser((flag, before: readonly string[] | undefined) => [...(before ?? []), flag]),
  ];
}

export function hostOf(hosts: Hosts, { host, chrome, flag = [] }: HostChoice): readonly [Host, HostOptions] {
  const found = hosts[host];
  if (!found) throw new UsageError(`--host must be ${Object.keys(hosts).join(' or ')}, got ${host}`);
  return [found, { chrome, flags: flag }];
}

/** A parser of whole numbers of at least `min`. */
export const whole =
  (min: number) =>
  (text: string): number => {
    const n = Number(text);
    if (!Number.isInteger(n) || n < min)
      throw new InvalidArgumentError(`It must be a whole number of at least ${min}.`);
    return n;
  };

/** A parser of numbers of at least 0. */
export function positive(text: string): number {
  const x = Number(text);
  if (!(x >= 0) || text.trim() === '') throw new InvalidArgumentError('It must be a number of at least 0.');
  return x;
}

/** For options that may be given several times, or with several values. */
export const list = (text: string, before: readonly string[] | undefined): string[] => [...(before ?? []), text];
