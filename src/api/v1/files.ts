import type { FastifyInstance } from 'fastify';
import { SandboxError } from '../../domain/errors.ts';
import { field, invalidField, objectParser, parseAbsolutePath } from '../fields.ts';
import { sandboxIdOf } from '../path-id.ts';
import type { ApiServices } from '../services.ts';
import { fileStream } from './file-stream.ts';
import { readUpload } from './read-upload.ts';

const PATH = '/v1/sandboxes/:id/files';
const TAR = 'application/x-tar';
const MODE_DEFAULT = 0o644;

const pathField = field((value) => {
  if (value === undefined || value === '') throw new SandboxError('INVALID_ARGUMENT', 'path required');
  return parseAbsolutePath('path', value);
});
const parseReadQuery = objectParser({ path: pathField });
const parseWriteQuery = objectParser({ path: pathField, mode: field(parseMode) });

/** `/v1/sandboxes/:id/files?path=`: files in and out as streams of any size. Unstable. */
export function registerFiles(app: FastifyInstance, { sandboxes }: ApiServices): void {
  app.get(PATH, { exposeHeadRoute: false }, async (request, reply) => {
    const { path } = parseReadQuery(request.query);
    const { info, content } = await sandboxes.readFile(sandboxIdOf(request), path);
    const isFile = info.kind === 'file';
    // Kernel: files of /proc say that they are empty, and are not.
    const sizeBytes = isFile && info.sizeBytes > 0 ? info.sizeBytes : undefined;
    const body = await fileStream(content, sizeBytes);
    reply.header('content-type', isFile ? 'application/octet-stream' : TAR);
    reply.header('squash-file-mode', info.mode.toString(8).padStart(4, '0'));
    if (sizeBytes !== undefined) reply.header('content-length', sizeBytes);
    return reply.send(body);
  });

  app.put(PATH, async (request, reply) => {
    const id = sandboxIdOf(request);
    const { path, mode } = parseWriteQuery(request.query);
    const content = readUpload(request.raw, reply.raw);
    if (isTar(request.headers['content-type'])) await sandboxes.writeTar(id, path, content);
    else await sandboxes.writeFile(id, path, content, { mode });
    return reply.code(204).send();
  });
}

function isTar(contentType = ''): boolean {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() === TAR;
}

function parseMode(value: unknown): number {
  if (value === undefined) return MODE_DEFAULT;
  if (typeof value !== 'string' || !/^[0-7]{1,4}$/.test(value)) throw invalidField('mode', 'one to four octal digits');
  return Number.parseInt(value, 8);
}
