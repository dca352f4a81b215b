import { SandboxError } from '../domain/errors.ts';
import { settlesWithin } from '../lib/deadline.ts';
import type { ExecRequest, ExitReport, MachineProcess } from '../runtime/runtime.ts';
import type { ExecCall, ExecResult } from '../sandboxes/types.ts';
import type { LogEntry } from './exec-log.ts';
import { type Cause, FirstCause } from './first-cause.ts';
import { BROKER_KILL_MS, followCommand } from './follow-command.ts';
import type { MachineWatch } from './machine-watch.ts';
import { OUTPUT_HEAD_BYTES, OutputHead } from './output-head.ts';

export interface CommandHost {
  readonly watch: MachineWatch;
  /** Gives the command its place in the log. */
  readonly begin: () => LogEntry;
  readonly env: Readonly<Record<string, string>>;
}

const TIMED_OUT = 124;
const KILLED = 137;
const WITNESS_MS = 1000;

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
  const entry = host.begin();
  const begin = performance.now();
  const stdout = new OutputHead();
  const stderr = new OutputHead();
  const escalationsBefore = host.watch.escalations;

  const process = await start(host, call, { cause, stdout, stderr });
  const report = process && (await followCommand(process, { cause, watch: host.watch }));
  if (report === undefined) await awaitVerdict(host.watch, { cause, escalationsBefore });
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

/**
 * Undefined when the cause came before the command, as a machine that cannot even start one is held to the timeout too;
 * and when the command ended its supervisor before that could say that it runs.
 */
async function start(
  host: CommandHost,
  call: ExecCall,
  { cause, stdout, stderr }: { cause: FirstCause; stdout: OutputHead; stderr: OutputHead },
): Promise<MachineProcess | undefined> {
  const { watch } = host;
  const starting = watch.exec(requestOf(call, host.env), {
    onOutput: (stream, data) => (stream === 'stdout' ? stdout : stderr).push(data),
  });
  const process = await Promise.race([starting.catch(undefinedWhenSilent(watch)), cause.happened]);
  if (typeof process !== 'string') return process;
  await settlesWithin(watch.killTree(undefined), BROKER_KILL_MS);
  // It must not begin to run now that nobody waits for it.
  starting.then(
    (late) => late[Symbol.asyncDispose](),
    () => {},
  );
  return undefined;
}

/** A machine that is gone is started again for the command; one that lives has lost it. */
function undefinedWhenSilent(watch: MachineWatch): (error: unknown) => undefined {
  return (error) => {
    if (error instanceof SandboxError && error.code === 'AGENT_FAILED' && !watch.isGone) return undefined;
    throw error;
  };
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

/** A command whose timeout is near does not choose its verdict by ending the only witness. */
async function awaitVerdict(
  watch: MachineWatch,
  { cause, escalationsBefore }: { cause: FirstCause; escalationsBefore: number },
): Promise<void> {
  if (cause.cause === undefined) await Promise.race([watch.quiet(), cause.happened]);
  if (cause.cause !== undefined || watch.escalations > escalationsBefore) return;
  await settlesWithin(Promise.race([cause.happened, watch.machine.exited]), WITNESS_MS);
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
  // Its own root may have killed it, or a kill that was meant for another command's tree, or the end of the whole sandbox.
  await watch.quiet();
  const hit = watch.escalations > how.escalationsBefore || (await watch.isEnding());
  return { exitCode, oom, interrupted: exitCode === KILLED && hit };
}
