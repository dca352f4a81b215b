import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type RunResult, run } from './run.ts';

export interface PrivateMachine extends AsyncDisposable {
  run(argv: readonly string[], options?: { cwd?: string; env?: NodeJS.ProcessEnv }): RunResult;
}

// /etc and /usr/local/lib/squash are copies in memory: users, settings and programs that are made here are not made on the host.
// A user of the host keeps its id under another name: its processes would keep userdel(8) from removing a new owner of that id.
const PREPARE = `
mount -t tmpfs etc /mnt && cp -a /etc/. /mnt && mount --move /mnt /etc
sed -i 's/^squash/host-squash/' /etc/passwd /etc/shadow /etc/group /etc/gshadow /etc/subuid /etc/subgid
rm -rf /etc/squash
mount -t tmpfs local /usr/local/lib -o mode=0755
echo ready
exec cat`;

/** A machine on which Squash was never installed: the host seen through a mount namespace of its own. */
export async function startPrivateMachine(): Promise<PrivateMachine> {
  const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-euc', PREPARE], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(holder, 'exit');
  const first = await Promise.race([once(holder.stdout, 'data'), ended]);
  if (!Buffer.isBuffer(first[0])) throw new Error('Cannot start a private machine: see stderr');
  return {
    run: (argv, options = {}) =>
      run(['nsenter', `--mount=/proc/${holder.pid}/ns/mnt`, `--wd=${options.cwd ?? '/'}`, ...argv], {
        env: options.env ?? process.env,
      }),
    async [Symbol.asyncDispose]() {
      holder.stdin.end();
      await ended;
    },
  };
}
