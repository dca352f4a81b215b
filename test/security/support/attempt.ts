/** One thing that hostile code tries: a row of a table. */
export interface Attempt {
  readonly what: string;
  /** Words of the probe (`probes/main.c`), separated by spaces. `%layer` is where the fixture layer's files are. */
  readonly probe: string;
  /** What the kernel answers to host root in namespaces of its own: proof that the attempt reaches it. Several where kernels differ. */
  readonly unprotected: string | readonly string[];
  /** What root of a sandbox is answered. */
  readonly inside: string | readonly string[];
  /** What a kernel that was built without the thing answers to everybody; there the attempt shows nothing and is skipped. */
  readonly absent?: string;
  /** The attempt needs CAP_SYS_RESOURCE, which root of a host that is a container itself may not have: there too it is skipped. */
  readonly needsResourceCapability?: boolean;
  /** Without protection root would be root of a user namespace: what it may do there is shown there. */
  readonly inUserNamespace?: boolean;
}
