import { createHash } from 'node:crypto';
import { PROJECT_ROOT } from './project-files.ts';

/** Where script/setup installed this checkout's programs. */
export const INSTALLED = `/usr/local/lib/squash/${createHash('sha256').update(PROJECT_ROOT).digest('hex').slice(0, 12)}`;
