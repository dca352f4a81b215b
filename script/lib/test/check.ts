import { runCommand } from './run-command.ts';
import { failed, passed, type Tally } from './tally.ts';

const TIMEOUT_MS = 10 * 60_000;

/** One command that has to succeed, counted as one test; its output is shown when it fails. */
export async function check(name: string, argv: readonly string[]): Promise<Tally> {
  let output = '';
  const problem = await runCommand(argv, {
    timeoutMs: TIMEOUT_MS,
    onOutput: (text) => {
      output += text;
    },
  });
  if (problem === undefined) return passed();
  console.log(output.trimEnd());
  return failed(`${name}: ${problem}`);
}
