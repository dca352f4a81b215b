import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Places } from './programs.ts';

export interface DemoDaemon extends AsyncDisposable {
  readonly url: string;
}

const PATIENCE_MS = 60_000;

/** Runs script/squashd until it is disposed; resolves when it serves. */
export async function startDaemon(places: Places, env: NodeJS.ProcessEnv): Promise<DemoDaemon> {
  const daemon = spawn(`${places.root}/script/squashd`, { env, stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  const ended = once(daemon, 'exit');
  const said: string[] = [];
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (): void => reject(new Error(`Cannot start squashd:\n${said.slice(-5).join('\n')}`));
    const timer = setTimeout(fail, PATIENCE_MS);
    void ended.then(fail);
    createInterface({ input: daemon.stderr }).on('line', (line) => {
      said.push(line);
      const address = /"address":"([^"]+)".*"msg":"Serving"/.exec(line)?.[1];
      if (address === undefined) return;
      clearTimeout(timer);
      resolve(address);
    });
  });
  return {
    url,
    async [Symbol.asyncDispose]() {
      daemon.kill('SIGTERM');
      await ended;
    },
  };
}
