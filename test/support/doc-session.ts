import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { type DocBlock, extractBlocks } from './doc-blocks.ts';

/** A block that a reader may paste, with what its document says that it prints. */
export interface Step {
  /** `README.md:15` */
  readonly place: string;
  readonly code: string;
  /** The last lines of its output, when the document shows them: the next block, marked `output`. `…` stands for anything. */
  readonly output: string | undefined;
}

export function stepsOf(path: string, markdown: string): Step[] {
  const blocks = extractBlocks(markdown);
  const isRunnable = ({ language, marks }: DocBlock): boolean => language === 'sh' && marks.includes('run');
  return blocks.flatMap((block, index) => {
    if (!isRunnable(block)) return [];
    const next = blocks[index + 1];
    const output = next?.marks.includes('output') === true ? next.code : undefined;
    return [{ place: `${path}:${block.line}`, code: block.code, output }];
  });
}

/** Whether what was printed ends as the document says, whatever the widths of columns. */
export function endsAsShown(printed: string, shown: string): boolean {
  const lines = (value: string): string[] =>
    value
      .trimEnd()
      .split('\n')
      .map((line) => line.trim().replaceAll(/\s+/g, ' '));
  const wanted = lines(shown);
  const found = lines(printed).slice(-wanted.length);
  const matches = (line: string, pattern: string): boolean =>
    new RegExp(`^${pattern.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&').replaceAll('…', '.*')}$`).test(line);
  return found.length === wanted.length && wanted.every((pattern, index) => matches(found[index] ?? '', pattern));
}

export interface SessionOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Shell code for the end, whether all went well or not. */
  readonly cleanUp: string;
  readonly timeoutMs: number;
}

export interface SessionResult {
  /** What each step printed on stdout, as far as the session came. */
  readonly printed: readonly string[];
  readonly status: number | null;
  readonly stderr: string;
}

const MARK = '--- end of a step ---';

/** Pastes the steps one after another into one shell, which ends at the first command that fails. */
export async function runSession(steps: readonly Step[], options: SessionOptions): Promise<SessionResult> {
  const script = [
    `set -euo pipefail\ncleanUp() {\n${options.cleanUp}\n}\ntrap 'status=$?; set +e; cleanUp >&2; exit $status' EXIT`,
    ...steps.map(({ code, place }) => `echo '# ${place}' >&2\n${code}\nprintf '\\n%s\\n' '${MARK}'`),
  ].join('\n');
  const child = spawn('bash', ['-c', script], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: options.timeoutMs,
  });
  const ended = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve));
  const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { printed: stdout.split(`\n${MARK}\n`).slice(0, -1), status, stderr };
}
