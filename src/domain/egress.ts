import { SandboxError } from './errors.ts';

/**
 * A sandbox has loopback only, so the one rule that can be kept is `none`; absent and `[]` are accepted as wishes that come true with the network.
 *
 * @throws EGRESS_RULE_UNENFORCEABLE naming the first rule that would be a promise broken
 */
export function checkEgress(allowNet: readonly string[] | undefined): void {
  const rule = allowNet?.find((each) => each !== 'none');
  if (rule !== undefined) throw new SandboxError('EGRESS_RULE_UNENFORCEABLE', `cannot enforce egress rule ${rule}`);
}
