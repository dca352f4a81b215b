import { SandboxError } from '../domain/errors.ts';
import { parseCheckedLine } from '../lib/checked-line.ts';
import { parseRecord } from './record.ts';
import type { SandboxRecord } from './types.ts';

/** What a line of the log says: that a record is so, or that a sandbox is gone. */
export type Entry = { readonly record: unknown } | { readonly gone: string };

/**
 * What the bytes of a record log say in the end, in the order in which the sandboxes began.
 *
 * @param path only to name the place of a damage
 * @throws RECORD_DAMAGED
 */
export function replayRecords(bytes: Buffer, path: string): readonly SandboxRecord[] {
  const records = new Map<string, SandboxRecord>();
  const lines = bytes.toString('utf8').split('\n');
  // What follows the last newline is empty, or a line that was being written.
  lines.pop();
  for (const [index, line] of lines.entries()) {
    const entry = readEntry(line, `${path}, line ${index + 1}`);
    if ('gone' in entry) records.delete(entry.gone);
    // The place in the order is that of the first record of a life.
    else records.set(entry.record.id, entry.record);
  }
  return [...records.values()];
}

function readEntry(line: string, where: string): { record: SandboxRecord } | { gone: string } {
  try {
    const entry = parseCheckedLine(line) as Entry | undefined;
    if (entry === undefined) throw new Error('the checksum is wrong');
    return 'gone' in entry ? entry : { record: parseRecord(entry.record) };
  } catch (error) {
    throw new SandboxError('RECORD_DAMAGED', `Cannot read the records: ${where} is damaged`, {
      cause: error,
      hint: HINT,
    });
  }
}

const HINT =
  'Nothing was changed. Restore the file from a backup; or delete the damaged line, and what it described is swept away at the next start';
