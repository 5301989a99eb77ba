import { apiVersion, durationMs, type Inputs } from '#shared/kernel/mod.ts';
import type { EnvironmentSpec, TargetSpec, TenantSpec } from '#hub/resources/mod.ts';

export interface InputsOf {
  readonly tenant: { readonly spec: TenantSpec };
  readonly environment: { readonly spec: EnvironmentSpec };
  readonly target: TargetSpec;
  readonly cluster: { readonly parameters: Readonly<Record<string, string>> };
}

/** One step removes at most this share of what an assignment owns without an approval. */
const pruneShareMax = 0.5;

/**
 * The snapshot of everything beside its content that one placement runs with. Pure; parameters: environment < cluster < target. What has no order for
 * people is sorted: writing it in another order is no change. Never beyond `inputsMaxBytes`: the bounds of resources see to it.
 */
export function resolveInputs({ tenant, environment, target, cluster }: InputsOf): Inputs {
  return {
    apiVersion,
    namespace: target.namespace,
    serviceAccount: tenant.spec.serviceAccount,
    allow: { namespaces: sorted(tenant.spec.namespaces), kinds: sorted(tenant.spec.kinds) },
    parameters: { ...environment.spec.parameters, ...cluster.parameters, ...target.parameters },
    prune: { shareMax: pruneShareMax },
    // Checked when it was written; were it no duration, the 0 would be refused by whoever reads it.
    health: { timeoutMs: durationMs(environment.spec.rollout.healthTimeout) ?? 0 },
  };
}

const sorted = (words: readonly string[]): readonly string[] => [...new Set(words)].sort();
