import { SandboxError } from '../domain/errors.ts';
import { isSandboxId, type SandboxId } from '../domain/ids.ts';

/** The `:id` of a route. @throws SANDBOX_NOT_FOUND: what cannot be a name names nothing */
export function sandboxIdOf(request: { readonly params: unknown }): SandboxId {
  const { id } = request.params as { readonly id: string };
  if (!isSandboxId(id)) throw new SandboxError('SANDBOX_NOT_FOUND', `not found: ${id}`);
  return id;
}
