import type { CliIo, Sink } from './cli-io.ts';

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

export type Paint = (style: keyof typeof CODES, text: string) => string;

/** Colours for a terminal, nothing for anything else (https://no-color.org). */
export function paintFor(sink: Sink, env: CliIo['env']): Paint {
  const isColoured = sink.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb';
  return (style, text) => (isColoured ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text);
}
