import { createHash } from 'node:crypto';

// {"sum":"<16 hex digits>","entry":<JSON>}
const LINE = /^\{"sum":"([0-9a-f]{16})","entry":(.*)\}$/s;

/** One line of a durable file: JSON with a checksum of the text of its entry, ended by a newline. */
export function formatCheckedLine(entry: unknown): string {
  const text = JSON.stringify(entry);
  return `{"sum":"${checksum(text)}","entry":${text}}\n`;
}

/** The entry of a line (without its newline); undefined when a single bit of it is not as it was written. */
export function parseCheckedLine(line: string): unknown {
  const [, sum, text] = LINE.exec(line) ?? [];
  if (text === undefined || checksum(text) !== sum) return undefined;
  return JSON.parse(text);
}

/** 64 bits of SHA-256: against accidents, not against an enemy, who could not write here. */
function checksum(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
