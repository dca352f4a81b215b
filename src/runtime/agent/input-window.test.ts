import { expect, test } from 'vitest';
import { FrameDecoder } from './frames.ts';
import { InputWindow } from './input-window.ts';

const WINDOW = 65_536;

function watchedWindow(): {
  window: InputWindow;
  sent: number[];
  settled: string[];
  note: (name: string, data: Uint8Array) => void;
} {
  const sent: number[] = [];
  const settled: string[] = [];
  const window = new InputWindow((bytes) => {
    for (const { payload } of new FrameDecoder().push(bytes)) sent.push(payload.length);
  });
  const note = (name: string, data: Uint8Array): void => {
    window.write(data).then(
      () => settled.push(name),
      () => settled.push(`${name} failed`),
    );
  };
  return { window, sent, settled, note };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('InputWindow sends no more than 65536 bytes ahead of what was taken', async () => {
  const { window, sent, settled, note } = watchedWindow();
  note('a', Buffer.alloc(WINDOW + 10));
  expect(sent).toEqual([WINDOW]);
  window.take(4);
  expect(sent).toEqual([WINDOW, 4]);
  window.take(WINDOW);
  expect(sent).toEqual([WINDOW, 4, 6]);
  await turn();
  expect(settled).toEqual([]);
  window.take(WINDOW + 10);
  await turn();
  expect(settled).toEqual(['a']);
});

test('InputWindow settles writes in order, the end last', async () => {
  const { window, sent, settled, note } = watchedWindow();
  note('a', Buffer.from('aa'));
  note('b', Buffer.from('b'));
  note('end', Buffer.alloc(0));
  expect(sent).toEqual([2, 1, 0]);
  window.take(2);
  await turn();
  expect(settled).toEqual(['a']);
  window.take(3);
  await turn();
  expect(settled).toEqual(['a', 'b', 'end']);
});

test('InputWindow keeps the end behind input that waits for room', () => {
  const { window, sent, note } = watchedWindow();
  note('a', Buffer.alloc(WINDOW));
  note('b', Buffer.alloc(1));
  note('end', Buffer.alloc(0));
  expect(sent).toEqual([WINDOW]);
  window.take(1);
  expect(sent).toEqual([WINDOW, 1, 0]);
});

test('InputWindow refuses a count that shrinks or that was never sent', () => {
  const { window, note } = watchedWindow();
  note('a', Buffer.alloc(5));
  expect(() => window.take(6)).toThrow(expect.objectContaining({ code: 'AGENT_FAILED' }));
  window.take(3);
  expect(() => window.take(2)).toThrow(expect.objectContaining({ code: 'AGENT_FAILED' }));
});

test('InputWindow settles everything when nobody takes any more, and fails it when the agent is lost', async () => {
  const ended = watchedWindow();
  ended.note('a', Buffer.alloc(WINDOW + 1));
  ended.window.close();
  const lost = watchedWindow();
  lost.note('a', Buffer.alloc(WINDOW + 1));
  lost.window.close(new Error('lost'));
  await turn();
  expect([ended.settled, lost.settled]).toEqual([['a'], ['a failed']]);
});
