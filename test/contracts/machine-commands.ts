import { createHash } from 'node:crypto';
import type { Digest } from '../../src/domain/ids.ts';
import type { ExecRequest, ExitReport, Machine, MachineProcess } from '../../src/runtime/runtime.ts';

export const ENV = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/root' };
/** Of no layer. */
export const NOBODY_KNOWS = createHash('sha256').update('no such layer').digest('hex') as Digest;

export interface Finished extends ExitReport {
  readonly stdout: string;
  readonly stderr: string;
}

type Asked = string | (Partial<ExecRequest> & { argv: readonly string[] });

/** Starts a shell line, or a program, and collects what it says. */
export async function start(
  machine: Machine,
  asked: Asked,
): Promise<{ process: MachineProcess; finished: Promise<Finished> }> {
  const output: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] };
  const standard = { env: ENV, workdir: '/', uid: 0, gid: 0, groups: [], stdin: false, forwardLimitBytes: 0 };
  const request = { ...standard, ...(typeof asked === 'string' ? { argv: ['/bin/sh', '-c', asked] } : asked) };
  const process = await machine.exec(request, {
    onOutput: (stream, data) => void output[stream].push(Buffer.from(data)),
  });
  const finished = process.exited.then((report) => ({
    ...report,
    stdout: Buffer.concat(output.stdout).toString(),
    stderr: Buffer.concat(output.stderr).toString(),
  }));
  return { process, finished };
}

export async function run(machine: Machine, asked: Asked): Promise<Finished> {
  return (await start(machine, asked)).finished;
}
