import type { FastifyInstance } from 'fastify';
import type { ApiServices } from '../services.ts';

/** `GET /cgi-bin/health`: the status that load balancers and scripts ask for. */
export function registerHealth(app: FastifyInstance, { sandboxes, layers, backend }: ApiServices): void {
  app.get('/cgi-bin/health', async () => {
    const [stored, hasBase] = await Promise.all([layers.list(), layers.hasBase()]);
    return {
      status: 'ok',
      backend,
      tailscale: { status: 'off', ip: '' },
      sandboxes: sandboxes.count(),
      modules: stored.length,
      base_ready: hasBase,
    };
  });
}
