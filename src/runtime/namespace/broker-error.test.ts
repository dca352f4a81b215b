import { constants } from 'node:os';
import { describe, expect, test } from 'vitest';
import { brokerError } from './broker-error.ts';
import type { OperationName } from './broker-frames.ts';
import { BROKER_STEPS, type BrokerStep } from './steps.ts';

const { EBADMSG, EEXIST, EIO, ELOOP, ENOENT, ENOSPC, EPERM } = constants.errno;

function refusal(errno: number, step: BrokerStep, text = '') {
  return {
    operation: 0x8000,
    requestId: 1,
    errno,
    step: BROKER_STEPS.findIndex(({ name }) => name === step),
    text,
    payload: Buffer.alloc(0),
  };
}

describe('the code of a refusal', () => {
  test.each<[OperationName, number, BrokerStep, string]>([
    ['publish', EBADMSG, 'DIGEST', 'LAYER_DAMAGED'],
    ['layerAttach', EBADMSG, 'DIGEST', 'LAYER_DAMAGED'],
    ['layerVerify', EIO, 'DIGEST', 'LAYER_DAMAGED'],
    ['layerAttach', EPERM, 'LAYER', 'LAYER_DAMAGED'],
    ['layerAttach', ELOOP, 'LAYER', 'LAYER_DAMAGED'],
    ['publish', EEXIST, 'STORE', 'LAYER_EXISTS'],
    ['layerAttach', ENOENT, 'LAYER', 'LAYER_NOT_FOUND'],
    ['upperMake', ENOSPC, 'RESERVE', 'NO_SPACE'],
    ['upperMake', ENOSPC, 'ALLOCATE', 'NO_SPACE'],
    ['upperMake', ENOSPC, 'MOUNT', 'START_FAILED'],
    ['upperAttach', ENOENT, 'UPPER', 'START_FAILED'],
    ['sandboxStart', ENOENT, 'LOWERDIR', 'LAYER_NOT_FOUND'],
    ['sandboxStart', ENOENT, 'UPPERDIR', 'START_FAILED'],
    ['killTree', ENOENT, 'MACHINE', 'INTERNAL'],
    ['list', EPERM, 'REQUEST', 'INTERNAL'],
  ])('%s, errno %i in step %s: %s', (operation, errno, step, code) => {
    expect(brokerError(operation, refusal(errno, step))).toMatchObject({ code, details: { errno, step } });
  });
});

test('the words name the operation, the step, on what, and the kernel', () => {
  expect(brokerError('sandboxStart', refusal(EPERM, 'LIMITS', 'memory.max = 1')).message).toBe(
    'Cannot start the sandbox: cannot put the limits in force (memory.max = 1): EPERM, operation not permitted',
  );
  expect(brokerError('stats', refusal(ENOENT, 'MACHINE')).message).toBe(
    'Cannot measure the sandbox: cannot find the machine: ENOENT, no such file or directory',
  );
});

test('the text for a full host is the one that clients know', () => {
  expect(brokerError('upperMake', refusal(ENOSPC, 'RESERVE', '12 MiB are free')).message).toBe(
    'no space for a writable layer',
  );
});

test('a step and an errno that this daemon does not know are told by number', () => {
  expect(brokerError('probe', { ...refusal(4000, 'NONE'), step: 999 })).toMatchObject({
    code: 'INTERNAL',
    message: 'Cannot probe the host: cannot step 999: errno 4000, unknown error',
  });
});
