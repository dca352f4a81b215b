import type { Server } from 'node:http';
import type { FastifyInstance } from 'fastify';

const SWEEP_MS = 50;

/**
 * Ends kept connections as they become idle while the server closes. Node ends those that are idle at that moment; one whose answer
 * was still under way would stay for the whole keep-alive time, and the close with it.
 */
export function endConnectionsOnClose(app: FastifyInstance): void {
  const server = app.server as Server;
  app.addHook('preClose', (done) => {
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS).unref();
    server.once('close', () => clearInterval(sweep));
    done();
  });
}
