import { AgentCall } from './agent-call.ts';
import type { ConnectAgent } from './connection.ts';
import { agentFailed } from './failures.ts';
import { encodeFrame, FRAME } from './frames.ts';

/** Resolves when PID 1 has accepted, forked and answered. @throws AGENT_FAILED */
export async function pingAgent(connect: ConnectAgent, { timeoutMs = 10_000 } = {}): Promise<void> {
  await using call = new AgentCall(connect, { toError: (failure) => agentFailed('reach agent', failure) });
  call.send(encodeFrame(FRAME.PING));
  await call.expectOk(timeoutMs);
}
