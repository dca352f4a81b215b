import { InvalidArgumentError } from 'commander';
import { isSandboxId } from '../domain/ids.ts';

export interface LocalPlace {
  readonly id: undefined;
  readonly path: string;
}

export interface SandboxPlace {
  readonly id: string;
  /** Absolute. */
  readonly path: string;
}

/** Reads `ID:PATH`, or a path of this machine: one that has a `:` is told apart by a `/` before it, as in `./a:b`. */
export function parseCopyPlace(text: string): LocalPlace | SandboxPlace {
  const colon = text.indexOf(':');
  const id = text.slice(0, Math.max(0, colon));
  if (!isSandboxId(id)) {
    if (text === '') throw new InvalidArgumentError('error: a path is empty');
    return { id: undefined, path: text };
  }
  const path = text.slice(colon + 1);
  if (!path.startsWith('/')) throw new InvalidArgumentError(`error: the path in ${id} must begin with /`);
  return { id, path };
}
