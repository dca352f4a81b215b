import type { Settings } from '../config/settings.ts';
import type { Layers } from '../layers/layers.ts';
import type { Log } from '../lib/log.ts';
import type { Sandboxes } from '../sandboxes/sandboxes.ts';

/** What the API asks of the sandboxes. */
type SandboxesService = Pick<
  Sandboxes,
  | 'create'
  | 'list'
  | 'info'
  | 'destroy'
  | 'exec'
  | 'logs'
  | 'spawn'
  | 'readFile'
  | 'writeFile'
  | 'writeTar'
  | 'activate'
  | 'snapshot'
  | 'restore'
  | 'fork'
  | 'makeLayer'
  | 'promote'
  | 'snapshots'
  | 'removeSnapshot'
  | 'count'
>;

/** What the API asks of the layer store. */
type LayersService = Pick<Layers, 'list' | 'hasBase'>;

/** The settings that decide who may ask, and what a create means that leaves its layers out. */
export type ApiSettings = Pick<Settings, 'authToken' | 'hosts' | 'defaultLayers'>;

/** Everything the API is built from. */
export interface ApiServices {
  readonly sandboxes: SandboxesService;
  readonly layers: LayersService;
  readonly settings: ApiSettings;
  /** The wire's name of the backend. */
  readonly backend: string;
  readonly log: Log;
}
