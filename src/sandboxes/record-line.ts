import { createHash } from 'node:crypto';

/** What the log says: that a record is so, or that a sandbox is gone. */
export type Entry = { readonly record: unknown } | { readonly gone: string };

// {"sum":"<16 hex digits>","entry":<JSON>}
const LINE = /^\{"sum":"([0-9a-f]{16})","entry":(.*)\}$/s;

/** One line of the record log: JSON with a checksum of the text of its entry, ended by a newline. */
export function formatLine(entry: Entry): string {
  const text = JSON.stringify(entry);
  return `{"sum":"${checksum(text)}","entry":${text}}\n`;
}

/** The entry of a line (without its newline); undefined when a single bit of it is not as it was written. */
export function parseLine(line: string): Entry | undefined {
  const [, sum, text] = LINE.exec(line) ?? [];
  if (text === undefined || checksum(text) !== sum) return undefined;
  return JSON.parse(text) as Entry;
}

/** 64 bits of SHA-256: against accidents, not against an enemy, who could not write here. */
function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
