import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FRAME, FrameDecoder, type FrameName } from './frames.ts';
import { parseError, parseExited, parseFileInfo, parseStarted, parseStdinTaken } from './replies.ts';
import {
  encodeData,
  encodeExec,
  encodeFileRead,
  encodeFileWrite,
  encodeResize,
  encodeSignal,
  encodeStdin,
  encodeTarWrite,
} from './requests.ts';

const VECTORS = new Map(
  readFileSync(new URL('../../../native/vectors/agent.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, Buffer] => {
      const [name = '', hex = ''] = line.split(': ');
      return [name, Buffer.from(hex, 'hex')];
    }),
);

function vector(name: FrameName): Buffer {
  const bytes = VECTORS.get(name);
  if (bytes === undefined) throw new Error(`there is no ${name}`);
  return bytes;
}

function payloadOf(name: FrameName): Buffer {
  const [frame, ...more] = new FrameDecoder().push(vector(name));
  expect(more).toEqual([]);
  expect(frame?.type).toBe(FRAME[name]);
  return frame?.payload ?? Buffer.alloc(0);
}

test('the vectors hold every frame of the protocol, once', () => {
  expect([...VECTORS.keys()].toSorted()).toEqual(Object.keys(FRAME).toSorted());
  expect(VECTORS.size).toBe(18);
});

const EXEC = {
  argv: ['sh', '-c', 'echo é'],
  env: { PATH: '/usr/bin:/bin', EMPTY: '' },
  workdir: '/root',
  uid: 1000,
  gid: 1001,
  groups: [4, 27],
  pty: { rows: 24, columns: 80 },
  stdin: true,
  forwardLimitBytes: 65_536,
};

const SAID: Partial<Record<FrameName, () => Buffer>> = {
  EXEC: () => encodeExec(EXEC, { openFiles: 1024 }),
  STDIN: () => encodeStdin(Buffer.from('hello\n')),
  RESIZE: () => encodeResize({ rows: 50, columns: 132 }),
  SIGNAL: () => encodeSignal(15),
  PING: () => encodeFrame(FRAME.PING),
  FILE_READ: () => encodeFileRead('/etc/hostname'),
  FILE_WRITE: () => encodeFileWrite('/root/a', { mode: 0o644, uid: 0, gid: 0 }),
  TAR_WRITE: () => encodeTarWrite('/srv'),
  DATA: () => Buffer.concat([...encodeData(Buffer.from('data'))]),
  END: () => encodeFrame(FRAME.END),
};

describe('what the client says is its vector', () => {
  test.each(Object.entries(SAID))('%s', (name, say) => {
    expect(say().toString('hex')).toBe(vector(name as FrameName).toString('hex'));
  });
});

const READ: Partial<Record<FrameName, { read: (payload: Buffer) => unknown; as: unknown }>> = {
  STARTED: { read: parseStarted, as: { supervisorPid: 7, commandPid: 8 } },
  STDOUT: { read: String, as: 'out\n' },
  STDERR: { read: String, as: 'err\n' },
  EXITED: {
    read: parseExited,
    as: {
      exitCode: 137,
      signal: 9,
      strangerKills: 1,
      treeEmpty: false,
      stdoutBytes: 5 * 1024 ** 3,
      stderrBytes: 3,
    },
  },
  STDIN_TAKEN: { read: parseStdinTaken, as: 65_537 },
  FILE_INFO: {
    read: parseFileInfo,
    as: { kind: 'file', mode: 0o755, uid: 0, gid: 33, sizeBytes: 12, modifiedAt: new Date(-1000) },
  },
  OK: { read: (payload) => payload.length, as: 0 },
  ERROR: { read: parseError, as: { errno: 'ENOENT', step: 'workdir', message: 'No such file or directory' } },
};

describe('what the agent says is read as its vector means it', () => {
  test.each(Object.entries(READ))('%s', (name, { read, as }) => {
    expect(read(payloadOf(name as FrameName))).toEqual(as);
  });
});

describe('a reply of another length is refused', () => {
  const fixed = ['STARTED', 'EXITED', 'STDIN_TAKEN', 'FILE_INFO'] as const;
  test.each(fixed)('%s', (name) => {
    const payload = payloadOf(name);
    const refused = expect.objectContaining({ code: 'AGENT_FAILED' });
    expect(() => READ[name]?.read(payload.subarray(1))).toThrow(refused);
    expect(() => READ[name]?.read(Buffer.concat([payload, Buffer.alloc(1)]))).toThrow(refused);
  });
});
