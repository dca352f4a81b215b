import type { FastifyInstance } from 'fastify';
import type { ApiServices } from '../services.ts';

/** `GET /cgi-bin/api/modules`: the layers of this host under the word that the seed's clients use. */
export function registerModules(app: FastifyInstance, { layers }: ApiServices): void {
  app.get('/cgi-bin/api/modules', () => layers.list());
}
