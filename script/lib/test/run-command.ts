import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface CommandOptions {
  readonly timeoutMs: number;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each piece of stdout and stderr; without it both go straight to the terminal. */
  readonly onOutput?: (text: string) => void;
}

/** @returns undefined when the command succeeded, else how it ended. */
export async function runCommand(argv: readonly string[], options: CommandOptions): Promise<string | undefined> {
  const [program = '', ...words] = argv;
  const output = options.onOutput === undefined ? 'inherit' : 'pipe';
  const child = spawn(program, words, { stdio: ['ignore', output, output], env: options.env ?? process.env });
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => options.onOutput?.(text));
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
  }, options.timeoutMs);
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    if (timedOut) return `not done after ${options.timeoutMs / 60_000} minutes`;
    return code === 0 ? undefined : `ended with ${signal ?? `status ${code}`}`;
  } catch (error) {
    return `cannot be started: ${(error as Error).message}`;
  } finally {
    clearTimeout(timer);
  }
}
