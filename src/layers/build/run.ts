import { SandboxError } from '../../domain/errors.ts';
import { Child, type ChildOptions } from './child.ts';

/** Runs a program to its end and returns what it printed; anything but exit code 0 is TOOL_FAILED with its last line. */
export async function run(command: readonly string[], name: string, options: ChildOptions): Promise<string> {
  await using child = new Child(command, name, { ...options, output: 'pipe' });
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  requireSuccess(name, await child.ended);
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws TOOL_FAILED with the program's last words */
export function requireSuccess(
  name: string,
  end: { readonly exitCode: number; readonly lines: readonly string[] },
): void {
  if (end.exitCode === 0) return;
  // What follows an error is clean-up.
  const last =
    end.lines.findLast((line) => /^E: |error/i.test(line)) ?? end.lines.findLast((line) => line.trim() !== '');
  throw new SandboxError(
    'TOOL_FAILED',
    `Cannot finish ${name}: exit code ${end.exitCode}: ${last ?? 'it said nothing'}`,
  );
}
