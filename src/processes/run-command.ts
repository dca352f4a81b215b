import type { ExecRequest, ExitReport, MachineProcess } from '../runtime/runtime.ts';
import type { ExecCall, ExecResult } from '../sandboxes/types.ts';
import type { ExecLog } from './exec-log.ts';
import { type Cause, FirstCause } from './first-cause.ts';
import { followCommand } from './follow-command.ts';
import type { MachineWatch } from './machine-watch.ts';
import { OUTPUT_HEAD_BYTES, OutputHead } from './output-head.ts';

export interface CommandHost {
  readonly watch: MachineWatch;
  readonly log: ExecLog;
  readonly env: Readonly<Record<string, string>>;
}

const TIMED_OUT = 124;
const KILLED = 137;

/**
 * Runs `/bin/sh -c` in a machine to its end, or to the first of timeout and abort, and keeps the result in the log.
 * However it ends, nothing of its process tree is left.
 *
 * @throws INVALID_ARGUMENT, AGENT_FAILED when the command never began
 */
export async function runCommand(
  host: CommandHost,
  call: ExecCall,
  options: { readonly signal: AbortSignal },
): Promise<ExecResult> {
  using cause = new FirstCause({ timeoutMs: call.timeoutSeconds * 1000, signal: options.signal });
  const entry = host.log.begin(call);
  const begin = performance.now();
  const stdout = new OutputHead();
  const stderr = new OutputHead();
  const escalationsBefore = host.watch.escalations;

  const process = await start(host, call, { cause, stdout, stderr }).catch((error: unknown) => {
    entry.abandon(error instanceof Error ? error.message : String(error));
    throw error;
  });
  const report = process && (await followCommand(process, { cause, watch: host.watch }));
  const fate = await explain(host.watch, { report, cause: cause.cause, escalationsBefore });

  const finished = new Date();
  const result: ExecResult = {
    seq: entry.seq,
    cmd: call.cmd,
    workdir: call.workdir,
    exit_code: fate.exitCode,
    started: entry.started.toISOString(),
    finished: finished.toISOString(),
    duration_ms: Math.round(performance.now() - begin),
    timed_out: cause.cause === 'timeout',
    truncated: stdout.truncated || stderr.truncated,
    stdout: stdout.text(),
    stderr: stderr.text(),
    ...(fate.oom && { oom: true }),
    ...(fate.interrupted && { interrupted: true }),
  };
  entry.finish(result);
  return result;
}

/** Undefined when the cause came before the command: a machine that cannot even start one is held to the timeout too. */
async function start(
  host: CommandHost,
  call: ExecCall,
  { cause, stdout, stderr }: { cause: FirstCause; stdout: OutputHead; stderr: OutputHead },
): Promise<MachineProcess | undefined> {
  const starting = host.watch.machine.exec(requestOf(call, host.env), {
    onOutput: (stream, data) => (stream === 'stdout' ? stdout : stderr).push(data),
  });
  const process = await Promise.race([starting, cause.happened]);
  if (typeof process !== 'string') return process;
  // It must not begin to run now that nobody waits for it.
  starting.then(
    (late) => late[Symbol.asyncDispose](),
    () => {},
  );
  return undefined;
}

function requestOf(call: ExecCall, env: Readonly<Record<string, string>>): ExecRequest {
  return {
    argv: ['/bin/sh', '-c', call.cmd],
    env,
    workdir: call.workdir,
    uid: 0,
    gid: 0,
    groups: [],
    stdin: false,
    // One byte more than is kept tells that there was more.
    forwardLimitBytes: OUTPUT_HEAD_BYTES + 1,
  };
}

interface Fate {
  readonly exitCode: number;
  readonly oom: boolean;
  readonly interrupted: boolean;
}

/** First cause wins: a command that was timed out is not also called interrupted. */
async function explain(
  watch: MachineWatch,
  how: { report: ExitReport | undefined; cause: Cause | undefined; escalationsBefore: number },
): Promise<Fate> {
  const claim = how.report === undefined ? Promise.resolve(false) : watch.claimOomKill(how.report);
  if (how.cause === 'timeout') return { exitCode: TIMED_OUT, oom: false, interrupted: false };
  if (how.cause === 'abort' || how.report === undefined) return { exitCode: KILLED, oom: false, interrupted: true };
  const oom = await claim;
  const { exitCode, strangerKills } = how.report;
  if (strangerKills === 0 || oom) return { exitCode, oom, interrupted: false };
  // Its own root may have killed it, or a kill that was meant for another command's tree.
  await watch.quiet();
  const hit = exitCode === KILLED && watch.escalations > how.escalationsBefore;
  return { exitCode, oom, interrupted: hit };
}
