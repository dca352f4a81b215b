import type { ExecOptions, ExecRequest, MachineProcess } from '../runtime.ts';
import { AgentProcess } from './agent-process.ts';
import type { ConnectAgent } from './connection.ts';

/**
 * Starts a command; resolves once its program runs. Output that comes at once may be handed over before that.
 * @throws INVALID_ARGUMENT when the workdir or the program cannot be used, with details `{errno, step}`; BUSY when the sandbox has
 * no room for a process; AGENT_FAILED
 */
export async function execOverAgent(
  connect: ConnectAgent,
  request: ExecRequest,
  options: ExecOptions,
): Promise<MachineProcess> {
  return new AgentProcess(connect, request, options).started;
}
