import { afterEach, describe, expect, test, vi } from 'vitest';
import { FakeAgent, numbers } from '../../../test/support/fake-agent.ts';
import type { ConnectAgent } from './connection.ts';
import { FRAME } from './frames.ts';
import { pingAgent } from './ping.ts';
import { readFileOverAgent } from './read-file.ts';
import { writeFileOverAgent, writeTarOverAgent } from './write-file.ts';

const FAILED = expect.objectContaining({ code: 'AGENT_FAILED' });
const INFO = numbers(1, 0o644, 0, 0, 2n, 0n);

async function* pieces(...contents: string[]): AsyncGenerator<Buffer> {
  for (const content of contents) yield Buffer.from(content);
}

async function collect(content: AsyncIterable<Buffer>): Promise<string[]> {
  const all: string[] = [];
  for await (const piece of content) all.push(piece.toString());
  return all;
}

async function reading(agent: FakeAgent): ReturnType<typeof readFileOverAgent> {
  const file = readFileOverAgent(agent.connect, '/f');
  agent.say(FRAME.FILE_INFO, INFO);
  return file;
}

afterEach(() => {
  vi.useRealTimers();
});

test('readFileOverAgent gives the content in pieces and ends the connection', async () => {
  const agent = new FakeAgent();
  const { info, content } = await reading(agent);
  expect(info).toMatchObject({ kind: 'file', sizeBytes: 2 });
  agent.say(FRAME.DATA, Buffer.from('a'));
  agent.say(FRAME.DATA, Buffer.from('b'));
  agent.say(FRAME.OK);
  expect(await collect(content)).toEqual(['a', 'b']);
  await agent.settle();
  expect(agent.isLeft).toBe(true);
});

test('readFileOverAgent ends the connection of a reader who leaves early', async () => {
  const agent = new FakeAgent();
  const { content } = await reading(agent);
  agent.say(FRAME.DATA, Buffer.from('a'));
  for await (const _ of content) break;
  await agent.settle();
  expect(agent.isLeft).toBe(true);
});

describe('readFileOverAgent fails when the agent', () => {
  const cases: [string, (agent: FakeAgent) => void][] = [
    ['closes in the middle', (agent) => agent.leave()],
    ['says an empty piece', (agent) => agent.say(FRAME.DATA)],
    ['says a frame of another verb', (agent) => agent.say(FRAME.STDOUT, Buffer.from('x'))],
    ['fails itself', (agent) => agent.say(FRAME.ERROR, numbers(5, 5))],
  ];
  test.each(cases)('%s', async (_, misbehave) => {
    const agent = new FakeAgent();
    const { content } = await reading(agent);
    misbehave(agent);
    await expect(collect(content)).rejects.toEqual(FAILED);
  });
});

test('readFileOverAgent gives an agent 60 s for each piece', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const agent = new FakeAgent();
  const { content } = await reading(agent);
  const read = collect(content);
  const outcome = expect(read).rejects.toThrow('silent');
  await vi.advanceTimersByTimeAsync(60_000);
  await outcome;
});

describe('a file verb names what is wrong:', () => {
  const cases: [string, number, string, string][] = [
    ['nothing there', 2, 'FILE_NOT_FOUND', 'not found: /f'],
    ['a full layer', 28, 'NO_SPACE', 'Cannot write "/f": the writable layer is full'],
    ['a folder', 21, 'INVALID_ARGUMENT', 'Cannot write "/f": it is a folder'],
    ['another reason', 20, 'INVALID_ARGUMENT', 'Cannot write "/f": why'],
    ['a broken disk', 5, 'AGENT_FAILED', 'Cannot write "/f": why (file, EIO)'],
  ];
  test.each(cases)('%s', async (_, errno, code, message) => {
    const agent = new FakeAgent();
    const writing = writeFileOverAgent(agent.connect, '/f', { content: pieces('x'), mode: 0o644 });
    agent.say(FRAME.ERROR, Buffer.concat([numbers(errno, 5), Buffer.from('why')]));
    await expect(writing).rejects.toMatchObject({ code, message });
  });
});

test('a file verb that finds no process left is BUSY', async () => {
  const agent = new FakeAgent();
  const file = readFileOverAgent(agent.connect, '/f');
  agent.say(FRAME.ERROR, numbers(11, 3));
  await expect(file).rejects.toMatchObject({ code: 'BUSY' });
});

test('what is wrong in a tar is told as the agent tells it', async () => {
  const agent = new FakeAgent();
  const writing = writeTarOverAgent(agent.connect, '/f', pieces('x'));
  agent.say(FRAME.ERROR, Buffer.concat([numbers(2, 6), Buffer.from('a/b: No such file or directory')]));
  await expect(writing).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: 'Cannot unpack into "/f": a/b: No such file or directory',
  });
});

test('writeFileOverAgent sends the request, the pieces and the end', async () => {
  const agent = new FakeAgent();
  const writing = writeFileOverAgent(agent.connect, '/f', { content: pieces('a', 'b'), mode: 0o7 });
  agent.say(FRAME.OK);
  await writing;
  expect(agent.received.map(({ type, payload }) => [type, payload.toString('latin1')])).toEqual([
    [FRAME.FILE_WRITE, '\x07\0\0\0\0\0\0\0\0\0\0\0/f'],
    [FRAME.DATA, 'a'],
    [FRAME.DATA, 'b'],
    [FRAME.END, ''],
  ]);
});

test('writeTarOverAgent stops reading a content that the agent has refused', async () => {
  const agent = new FakeAgent();
  let taken = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) {
      taken++;
      await agent.settle();
      yield Buffer.alloc(1000);
    }
  }
  const writing = writeTarOverAgent(agent.connect, '/f', endless());
  agent.say(FRAME.ERROR, Buffer.concat([numbers(22, 6), Buffer.from('no tar')]));
  await expect(writing).rejects.toThrow('Cannot unpack into "/f": no tar');
  expect(taken).toBeLessThan(10);
});

test('writeFileOverAgent sends no end when its content throws', async () => {
  const agent = new FakeAgent();
  async function* broken(): AsyncGenerator<Buffer> {
    yield Buffer.from('a');
    throw new Error('source broke');
  }
  await expect(writeFileOverAgent(agent.connect, '/f', { content: broken(), mode: 0o644 })).rejects.toThrow(
    'source broke',
  );
  await agent.settle();
  expect(agent.isLeft).toBe(true);
  expect(agent.received.map(({ type }) => type)).not.toContain(FRAME.END);
});

test.each(['relative', '', '/a\0b', `/${'x'.repeat(4095)}`])(
  'a path that cannot be one is refused: %j',
  async (path) => {
    const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' });
    const connect = vi.fn<ConnectAgent>();
    await expect(readFileOverAgent(connect, path)).rejects.toEqual(refused);
    await expect(writeFileOverAgent(connect, path, { content: pieces(), mode: 0 })).rejects.toEqual(refused);
    await expect(writeTarOverAgent(connect, path, pieces())).rejects.toEqual(refused);
    expect(connect).not.toHaveBeenCalled();
  },
);

test('pingAgent takes OK for an answer, and nothing else', async () => {
  const well = new FakeAgent();
  well.say(FRAME.OK);
  await pingAgent(well.connect);
  const ill = new FakeAgent();
  ill.say(FRAME.END);
  await expect(pingAgent(ill.connect)).rejects.toEqual(FAILED);
});
