import { afterAll, beforeAll, expect, test } from 'vitest';
import { AgentMachine, Listener } from './agent-machine.ts';

const PTY = { pty: { rows: 30, columns: 100 }, stdin: true };
let machine: AgentMachine;
beforeAll(async () => {
  machine = await AgentMachine.start();
});
afterAll(() => machine[Symbol.asyncDispose]());

test('a command on a terminal sees its size and leads its session', async () => {
  const result = await machine.run('tty; stty size; [ "$(ps -o sid= -p $$)" -eq $$ ] && echo leads; echo e >&2', PTY);
  expect(result.stdout).toMatch(/^\/dev\/pts\/\d+\r\n30 100\r\nleads\r\ne\r\n$/);
  expect(result.stderr).toBe('');
});

test('a resize reaches the program as SIGWINCH', async () => {
  const heard = new Listener();
  const process = await machine.exec(
    'trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.01; done',
    PTY,
    heard.onOutput,
  );
  await heard.hears(/ready/);
  process.resize({ rows: 50, columns: 132 });
  expect(await process.exited).toMatchObject({ exitCode: 0 });
  expect(heard.said).toContain('50 132');
});

test('^C on a terminal interrupts what runs in its foreground', async () => {
  const heard = new Listener();
  const process = await machine.exec(
    'trap "echo caught; exit 9" INT; echo ready; while :; do sleep 0.01; done',
    PTY,
    heard.onOutput,
  );
  await heard.hears(/ready/);
  await process.write(Buffer.from('\x03'));
  expect(await process.exited).toMatchObject({ exitCode: 9 });
  expect(heard.said).toContain('caught');
});

test('a terminal echoes, and the end of the input is its end of file', async () => {
  const heard = new Listener();
  const process = await machine.exec('cat; echo over', PTY, heard.onOutput);
  await process.write(Buffer.from('word\n'));
  await heard.hears(/word\r\nword\r\n/);
  await process.write(Buffer.alloc(0));
  expect(await process.exited).toMatchObject({ exitCode: 0 });
  expect(heard.said).toBe('word\r\nword\r\nover\r\n');
});

test("a user's terminal is the user's", async () => {
  const result = await machine.run('test -O $(tty) && stty -echo && echo mine', { ...PTY, uid: 33, gid: 33 });
  expect(result.stdout).toBe('mine\r\n');
});

test('everything that was written before the end comes, and a background process that holds the terminal does not keep it', async () => {
  const result = await machine.run('sleep 1000 & seq 20000', PTY);
  expect(result.exitCode).toBe(0);
  expect(result.stdout.split('\r\n').at(-2)).toBe('20000');
  expect(result.stdoutBytes).toBe(result.stdout.length);
  expect(await machine.remaining('sleep 1000')).toEqual([]);
});

test('a terminal whose client leaves is gone, and so is what ran on it', async () => {
  const heard = new Listener();
  const process = await machine.exec('trap "" HUP; echo ready; sleep 1001', PTY, heard.onOutput);
  await heard.hears(/ready/);
  await process[Symbol.asyncDispose]();
  expect(await machine.remaining('sleep 1001')).toEqual([]);
});
