import { spawn } from 'node:child_process';
import { once } from 'node:events';

export type MachineLock = AsyncDisposable;

/**
 * Waits until no other test run of this machine holds the lock.
 * flock(1) holds it as long as its stdin is open, so that it is given back even when this process is killed.
 */
export async function lockMachine(path: string): Promise<MachineLock> {
  const holder = spawn('flock', [path, 'sh', '-c', 'echo locked; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(holder, 'exit');
  const first = await Promise.race([once(holder.stdout, 'data'), ended]);
  if (!Buffer.isBuffer(first[0])) throw new Error(`Cannot lock ${path}: flock ended with status ${String(first[0])}`);
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await ended;
    },
  };
}
