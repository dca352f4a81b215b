/** One route as clients see it. */
export interface RouteEntry {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly summary: string;
  /** False where a HEAD would have to do the whole work of the GET. @default {true} */
  readonly head?: false;
}

/**
 * Every route of the daemon, in the order in which the page shows them. A path that is here answers 405 to its other methods;
 * a test compares this table with what is registered and with `docs/api.md`.
 */
export const ROUTES: readonly RouteEntry[] = [
  { method: 'GET', path: '/cgi-bin/health', summary: 'status' },
  { method: 'GET', path: '/cgi-bin/api/modules', summary: 'layers of this host' },
  { method: 'GET', path: '/cgi-bin/api/sandboxes', summary: 'list' },
  { method: 'POST', path: '/cgi-bin/api/sandboxes', summary: 'create' },
  { method: 'GET', path: '/cgi-bin/api/sandboxes/:id', summary: 'info' },
  { method: 'DELETE', path: '/cgi-bin/api/sandboxes/:id', summary: 'destroy' },
  { method: 'POST', path: '/cgi-bin/api/sandboxes/:id/exec', summary: 'run a command' },
  { method: 'POST', path: '/cgi-bin/api/sandboxes/:id/activate', summary: 'add a layer' },
  { method: 'POST', path: '/cgi-bin/api/sandboxes/:id/snapshot', summary: 'keep what was written' },
  { method: 'POST', path: '/cgi-bin/api/sandboxes/:id/restore', summary: 'bring a snapshot back' },
  { method: 'GET', path: '/cgi-bin/api/sandboxes/:id/logs', summary: 'history of commands' },
  { method: 'GET', path: '/v1/sandboxes/:id/exec', summary: 'WebSocket: a live command', head: false },
  { method: 'GET', path: '/v1/sandboxes/:id/files', summary: 'read a file, or a folder as a tar', head: false },
  { method: 'PUT', path: '/v1/sandboxes/:id/files', summary: 'write a file, or unpack a tar' },
  { method: 'GET', path: '/v1/sandboxes/:id/snapshots', summary: 'snapshots' },
  { method: 'DELETE', path: '/v1/sandboxes/:id/snapshots/:label', summary: 'delete a snapshot' },
  { method: 'POST', path: '/v1/sandboxes/:id/fork', summary: 'new sandboxes on what this one has written' },
  { method: 'POST', path: '/v1/sandboxes/:id/layer', summary: 'a layer of what was written' },
  { method: 'POST', path: '/v1/sandboxes/:id/snapshots/:label/promote', summary: 'a layer of a snapshot' },
  { method: 'GET', path: '/', summary: 'this page' },
  { method: 'GET', path: '/static/', summary: 'this page' },
];

/** Methods of each path, as the `Allow` header lists them. */
const ALLOW = new Map<string, { readonly pattern: RegExp; readonly methods: string[] }>();
for (const { method, path, head } of ROUTES) {
  const pattern = new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`);
  const entry = ALLOW.get(path) ?? { pattern, methods: [] };
  ALLOW.set(path, entry);
  entry.methods.push(...(method === 'GET' && head !== false ? ['GET', 'HEAD'] : [method]));
}

/** The `Allow` header of a path without its query, or undefined when no route has this path. */
export function allowedMethods(path: string): string | undefined {
  for (const { pattern, methods } of ALLOW.values()) if (pattern.test(path)) return methods.join(', ');
  return undefined;
}
