import { createHash } from 'node:crypto';
import type { LayerName } from '../../domain/ids.ts';
import type { BuildUser } from './build-user.ts';
import type { Child } from './child.ts';
import type { Progress } from './progress.ts';
import type { WorkFolder } from './work-folder.ts';

/** What a recipe may use while it runs. */
export interface RecipeContext {
  readonly user: BuildUser;
  /** Environment of builders. */
  readonly env: Readonly<Record<string, string>>;
  readonly work: WorkFolder;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A way to make one layer. */
export interface Recipe {
  readonly name: LayerName;
  /** Program that writes the tar, as errors call it. */
  readonly tool: string;
  /** What the sidecar keeps of the recipe. */
  readonly description: string;
  /**
   * Whether a layer of the same description need not be built again. A folder's content can change under the same description,
   * and then only the bytes tell.
   */
  readonly isPinned: boolean;
  /** Where the content alone does not tell. */
  readonly arch?: string;
  readonly libc?: 'glibc' | 'musl' | 'none';
  /** Starts the program that writes the tar to its stdout. */
  start(context: RecipeContext): Promise<Child>;
}

/** A description that changes with the recipe. */
export function describePinned(words: string, inputs: unknown): string {
  return `${words} #${createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16)}`;
}
