import { basename } from 'node:path';

/** The seed's names: each is a link to the one program, and a first word of it. */
const TOOLS = ['sq-ctl', 'sq-mkbase', 'sq-mkmod', 'sq-init', 'sq-reaper', 'start-api'] as const;

/** The words that `squash` would be called with: `sq-ctl list` becomes `squash sq-ctl list`. @param calledAs paths of the program or of a link to it */
export function wordsOfCall(calledAs: readonly string[], words: readonly string[]): string[] {
  const tool = TOOLS.find((name) => calledAs.some((path) => basename(path) === name));
  return tool === undefined ? [...words] : [tool, ...words];
}
