/** Body of a create; names are interface (contract §1). Absent fields get the daemon's defaults. */
export interface CreateBody {
  readonly id: string;
  readonly layers?: string | readonly string[];
  readonly owner?: string;
  readonly task?: string;
  readonly cpu?: number | string;
  readonly memory_mb?: number | string;
  readonly max_lifetime_s?: number | string;
  readonly allow_net?: readonly string[];
  readonly nesting?: boolean;
}

/** Body of an exec; names are interface. */
export interface ExecBody {
  readonly cmd: string;
  readonly workdir?: string;
  /** Seconds. */
  readonly timeout?: number | string;
}

/** Answer of `GET /cgi-bin/health`. */
export interface Health {
  readonly status: 'ok';
  readonly backend: string;
  readonly tailscale: { readonly status: 'connected' | 'off'; readonly ip: string };
  readonly sandboxes: number;
  readonly modules: number;
  readonly base_ready: boolean;
}

/** One entry of `GET /cgi-bin/api/modules`. */
export interface ModuleInfo {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly location: 'local' | 'remote';
}

/** Answer to a layer that was made of a sandbox or of a snapshot. */
export interface LayerMade {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly digest: string;
}
