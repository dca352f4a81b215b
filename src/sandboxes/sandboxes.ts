import type { SandboxId } from '../domain/ids.ts';
import type { ExecOptions, ExecRequest, FileRead, MachineProcess } from '../runtime/runtime.ts';
import type { CreateRequest, ExecCall, ExecResult, SandboxInfo } from './types.ts';

/** The sandboxes of this installation: everything that the API can do with one. */
export class Sandboxes {
  /** @throws everything that `createSandbox` does */
  async create(request: CreateRequest): Promise<SandboxInfo> {
    throw new Error(`Not built yet ${request}`);
  }

  /** Oldest first. */
  async list(): Promise<SandboxInfo[]> {
    throw new Error('Not built yet');
  }

  /** @throws SANDBOX_NOT_FOUND */
  async info(id: SandboxId): Promise<SandboxInfo> {
    throw new Error(`Not built yet ${id}`);
  }

  /** Resolves when nothing of the sandbox is left. @throws SANDBOX_NOT_FOUND */
  async destroy(id: SandboxId): Promise<void> {
    throw new Error(`Not built yet ${id}`);
  }

  /** Runs a command to its end, or to the first of timeout and abort. @throws SANDBOX_NOT_FOUND, INVALID_ARGUMENT */
  async exec(id: SandboxId, call: ExecCall, options: { readonly signal: AbortSignal }): Promise<ExecResult> {
    throw new Error(`Not built yet ${id} ${call} ${options}`);
  }

  /** Kept exec results, ascending `seq`. @throws SANDBOX_NOT_FOUND */
  async logs(id: SandboxId): Promise<ExecResult[]> {
    throw new Error(`Not built yet ${id}`);
  }

  /** Starts a command and hands it over; `request.env` is completed with the sandbox's own. @throws SANDBOX_NOT_FOUND, INVALID_ARGUMENT */
  async spawn(id: SandboxId, request: ExecRequest, options: ExecOptions): Promise<MachineProcess> {
    throw new Error(`Not built yet ${id} ${request} ${options}`);
  }

  /** A file's content, or a tar of a folder. @throws SANDBOX_NOT_FOUND, FILE_NOT_FOUND */
  async readFile(id: SandboxId, path: string): Promise<FileRead> {
    throw new Error(`Not built yet ${id} ${path}`);
  }

  /** Atomic: the old content or the new. @throws SANDBOX_NOT_FOUND, FILE_NOT_FOUND */
  async writeFile(
    id: SandboxId,
    path: string,
    content: AsyncIterable<Uint8Array>,
    options: { readonly mode: number },
  ): Promise<void> {
    throw new Error(`Not built yet ${id} ${path} ${content} ${options}`);
  }

  /** Unpacks a tar below a folder. @throws SANDBOX_NOT_FOUND */
  async writeTar(id: SandboxId, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    throw new Error(`Not built yet ${id} ${path} ${content}`);
  }

  count(): number {
    throw new Error('Not built yet');
  }
}
