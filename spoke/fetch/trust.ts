import type { TrustPolicies } from '../../proto/mod.ts';
import { ContentError } from './errors.ts';

/** Passes or throws: the tenant's own policy, else the fleet's default `*`; none, or one that this spoke does not know, refuses. Pure. */
export function checkTrust(policies: TrustPolicies | undefined, tenant: string): void {
  const policy = policies?.policies.find((p) => p.tenant === tenant) ?? policies?.policies.find((p) => p.tenant === '*');
  if (!policy) throw new ContentError('NOT_TRUSTED', `the fleet has no trust policy for tenant ${tenant}, and no default`);
  if (policy.mode !== 'TRUST_MODE_DIGEST_ONLY')
    throw new ContentError(
      'NOT_TRUSTED',
      `the trust policy of tenant ${tenant} asks for a proof that this spoke cannot check (${policy.mode})`,
    );
}
