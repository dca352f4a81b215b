import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { type ErrorCode, SandboxError } from '../../domain/errors.ts';
import type { BrokerReply, OperationName } from './broker-frames.ts';
import { BROKER_STEPS, type BrokerStep } from './steps.ts';

const { EBADMSG, EEXIST, ELOOP, ENOENT, ENOSPC, EPERM, ETXTBSY } = constants.errno;

const WORDS: Record<OperationName, string> = {
  probe: 'probe the host',
  publish: 'publish the layer',
  layerAttach: 'attach the layer',
  layerDetach: 'detach the layer',
  layerVerify: 'verify the layer',
  layerRemove: 'remove the layer',
  upperMake: 'make a writable layer',
  upperAttach: 'attach the writable layer',
  upperDrop: 'remove the writable layer',
  upperStats: 'measure the writable layer',
  upperClone: 'clone the writable layer',
  sandboxStart: 'start the sandbox',
  sandboxStop: 'stop the sandbox',
  killTree: 'end the command',
  stats: 'measure the sandbox',
  list: 'list what is there',
  ready: 'report readiness',
  restack: 'change the layers of the sandbox',
  capture: 'capture the writable layer',
};

function codeOf(operation: OperationName, errno: number, step: BrokerStep): ErrorCode {
  if (step === 'DIGEST' || errno === EBADMSG || (step === 'LAYER' && [EPERM, ELOOP].includes(errno)))
    return 'LAYER_DAMAGED';
  if (errno === ENOSPC && (step === 'RESERVE' || step === 'ALLOCATE')) return 'NO_SPACE';
  if (operation === 'publish' && errno === EEXIST) return 'LAYER_EXISTS';
  if ((operation.startsWith('layer') || step === 'LOWERDIR') && errno === ENOENT) return 'LAYER_NOT_FOUND';
  if (operation === 'restack' && errno === ETXTBSY) return 'SANDBOX_BUSY';
  if (operation === 'restack' || operation === 'capture') {
    if (step === 'MACHINE') return 'AGENT_FAILED';
    if (step === 'DEADLINE') return 'DEADLINE_EXCEEDED';
  }
  if (operation === 'capture' && errno === ENOSPC) return 'NO_SPACE';
  if (operation === 'capture' && step === 'PACK') return 'CAPTURE_IMPOSSIBLE';
  if (operation === 'sandboxStart' || operation === 'restack' || operation.startsWith('upper')) return 'START_FAILED';
  return 'INTERNAL';
}

/** What the broker refused, in words: the operation, the step that stood in the way, on what, and the kernel's reason. */
export function brokerError(operation: OperationName, reply: BrokerReply): SandboxError {
  const step = BROKER_STEPS[reply.step] ?? { name: 'NONE' as const, words: `step ${reply.step}` };
  const code = codeOf(operation, reply.errno, step.name);
  const [name, meaning] = getSystemErrorMap().get(-reply.errno) ?? [`errno ${reply.errno}`, 'unknown error'];
  const details = { errno: reply.errno, step: step.name };
  if (code === 'NO_SPACE' && operation === 'capture')
    return new SandboxError(code, 'no space for a snapshot', { details });
  if (code === 'NO_SPACE') return new SandboxError(code, 'no space for a writable layer', { details });
  const where = reply.text === '' ? step.words : `${step.words} (${reply.text})`;
  return new SandboxError(code, `Cannot ${WORDS[operation]}: cannot ${where}: ${name}, ${meaning}`, { details });
}
