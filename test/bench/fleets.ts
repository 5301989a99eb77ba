import { AssignmentReport, type CommandResult } from '#proto/mod.ts';
import { canonicalJson, digestOf, type HealthState, type Random } from '#shared/kernel/mod.ts';
import { CommandError, silenceOf, type Contact, type Timing } from '#hub/health/mod.ts';
import { put, type Store, type Write } from '#hub/store/mod.ts';

export interface FleetSize {
  readonly clusters: number;
  readonly tenants: number;
  /** Of each tenant, placed in every cluster of the tenant's environments. */
  readonly apps: number;
}

export const environments = ['dev', 'staging', 'prod'] as const;
const regions = ['eu', 'us', 'ap'];

/** What a spoke may say; mostly good news. */
const healths: readonly HealthState[] = ['Healthy', 'Healthy', 'Healthy', 'Healthy', 'Progressing', 'Degraded', 'Suspended'];

const one = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random.next() * all.length)] as T;
const chance = (random: Random, share: number): boolean => random.next() < share;

interface Made {
  readonly clusterIds: readonly number[];
  readonly placementIds: readonly number[];
}

/** A record of that size, as months of work could have left it: every state that a placement can be in occurs. */
export async function generateFleet(store: Store, { clusters, tenants, apps }: FleetSize, random: Random): Promise<Made> {
  const now = Date.UTC(2026, 0, 1);
  const made = { clusterIds: [] as number[], placementIds: [] as number[] };
  await decide(store, 'generate.fleet', (id) => {
    const writes: Write[] = [];
    const declared = { manager: 'api', source_digest: digestOf('x'), generation: 1, created_at: now, updated_at: now };
    for (let i = 0; i < clusters; i++) {
      const row = { id: id(), name: `c-${String(i).padStart(5, '0')}`, uid: `c${i}`, state: 'Accepted' as const, kube_system_uid: `k${i}` };
      const labels = canonicalJson({ env: environments[i % 3] ?? 'dev', region: one(random, regions) });
      writes.push(put('clusters', { ...declared, ...row, labels, parameters: '{}', facts: '{"nodes":3}' }));
      made.clusterIds.push(row.id);
    }
    for (let t = 0; t < tenants; t++) writes.push(...tenantOf(t, apps, made, { id, random, now, declared }));
    return writes;
  });
  return made;
}

interface Means {
  readonly id: () => number;
  readonly random: Random;
  readonly now: number;
  readonly declared: { manager: string; source_digest: string; generation: number; created_at: number; updated_at: number };
}

function tenantOf(t: number, apps: number, made: { clusterIds: readonly number[]; placementIds: number[] }, means: Means): Write[] {
  const { id, declared } = means;
  const tenant = { ...declared, id: id(), uid: `t${t}`, name: `team-${t}` };
  const spec = { sources: ['https://git.example.com/*'], namespaces: ['shop'], kinds: ['*'], serviceAccount: 'deployer' };
  const writes: Write[] = [put('tenants', { ...tenant, spec: canonicalJson(spec) })];
  const stages = environments.map((name, i) => {
    const after = i === 0 ? [] : [environments[i - 1] ?? 'dev'];
    const spec = {
      clusterSelector: { matchLabels: { env: name }, matchExpressions: [] },
      after,
      promotion: { mode: 'Automatic', allowUnexercised: false },
      rollout: { maxConcurrent: 1, healthTimeout: '5m' },
      parameters: {},
    };
    return { ...declared, id: id(), uid: `e${t}-${name}`, name, tenant_id: tenant.id, spec: canonicalJson(spec) };
  });
  writes.push(...stages.map((row) => put('environments', row)));
  for (let a = 0; a < apps; a++) {
    const targets = environments.map((environment) => ({ environment, namespace: 'shop', parameters: {} }));
    const git = { url: 'https://git.example.com/a', ref: { branch: 'main' }, path: '', insecure: false };
    const app = {
      ...declared,
      id: id(),
      uid: `a${t}-${a}`,
      name: `app-${a}`,
      tenant_id: tenant.id,
      spec: canonicalJson({ source: { git }, targets }),
    };
    writes.push(put('apps', app), ...appOf(app.id, `${t}-${a}`, stages, made, means));
  }
  return writes;
}

function appOf(
  appId: number,
  key: string,
  stages: readonly { readonly id: number; readonly name: string }[],
  made: { clusterIds: readonly number[]; placementIds: number[] },
  { id, random, now }: Means,
): Write[] {
  const commit = {
    id: id(),
    app_id: appId,
    commit: digestOf(key).slice(7, 47),
    author: 'Ada',
    message: 'more\nof it',
    committed_at: now,
    seen_at: now,
  };
  const release = {
    id: id(),
    uid: `r${key}`,
    app_id: appId,
    digest: digestOf(`index ${key}`),
    alias: `20260101-${key}`,
    repository: 'r.example.com/x',
  };
  const inputs = { id: id(), hash: digestOf(`inputs ${key}`), bytes: new TextEncoder().encode('{}') };
  const revision = { id: id(), revision: digestOf(`revision ${key}`), layer_hash: digestOf(`layer ${key}`), inputs_id: inputs.id };
  const writes: Write[] = [
    put('commits', { ...commit, outcome: 'Released', outcome_message: '', traceparent: '' }),
    put('releases', { ...release, commit_id: commit.id, images: '[]', created_at: now }),
    put('inputs', inputs),
    put('revisions', revision),
  ];
  for (const [i, stage] of stages.entries()) {
    const variant = {
      id: id(),
      release_id: release.id,
      environment: stage.name,
      digest: digestOf(`${stage.name} ${key}`),
      layer_hash: revision.layer_hash,
    };
    const target = {
      id: id(),
      app_id: appId,
      environment_id: stage.id,
      current_release_id: release.id,
      offered_release_id: release.id,
      offered_at: now,
    };
    const rollout = { id: id(), uid: `o${key}-${stage.name}`, target_id: target.id, release_id: release.id, kind: 'Release' as const };
    const running = chance(random, 0.2);
    writes.push(
      put('variants', { ...variant, layer_bytes: 10 }),
      put('targets', { ...target, exercised: 1, waiting_reason: running ? 'PredecessorRollingOut' : '', waiting_message: '' }),
      put('rollouts', {
        ...rollout,
        state: running ? 'Progressing' : 'Succeeded',
        reason: running ? 'ClustersDegraded' : 'AllHealthy',
        message: '',
        max_concurrent: 1,
        waves: 1,
        wave: 0,
        created_at: now,
        finished_at: running ? null : now,
        traceparent: '',
      }),
    );
    for (const [c, clusterId] of made.clusterIds.entries())
      if (c % 3 === i) {
        const placement = {
          id: id(),
          uid: `p${key}-${clusterId}`,
          cluster_id: clusterId,
          app_id: appId,
          namespace: 'shop',
          target_id: target.id,
        };
        const wanted = chance(random, 0.95);
        writes.push(
          put('placements', {
            ...placement,
            state: 'Active',
            hold_reason: '',
            mode: chance(random, 0.97) ? 'Enforce' : 'Observe',
            wanted_revision_id: wanted ? revision.id : null,
            wanted_variant_id: wanted ? variant.id : null,
            rollout_id: wanted ? rollout.id : null,
            traceparent: '',
            updated_at: now,
          }),
        );
        // Now and then on its way still, or not even that.
        if (wanted && chance(random, 0.98))
          writes.push(
            put('dispatched', { placement_id: placement.id, revision_id: revision.id, epoch: 1, generation: chance(random, 0.98) ? 1 : 9 }),
          );
        if (chance(random, 0.95)) writes.push(put('reports', reportOf(placement, revision.revision, random, now)));
        made.placementIds.push(placement.id);
      }
  }
  return writes;
}

function reportOf({ id, uid }: { id: number; uid: string }, revision: string, random: Random, now: number) {
  const health = one(random, healths);
  const wanted = chance(random, 0.9) ? revision : digestOf('another');
  const applied = chance(random, 0.9) ? revision : digestOf('before');
  const reason = health === 'Degraded' ? 'CrashLoopBackOff' : health;
  const report = AssignmentReport.fromPartial({ assignmentUid: uid, revisionWanted: wanted, revisionApplied: applied, reason });
  const value = AssignmentReport.encode(report).finish();
  const said = { health, reason, message: '', received_at: now, since: now };
  return { placement_id: id, value, revision_wanted: wanted, revision_applied: applied, ...said };
}

const decide = (store: Store, action: string, writes: (id: () => number) => Write[]): Promise<undefined> =>
  store.decide(
    async () => undefined,
    (_, { newId }) => ({
      result: undefined,
      writes: writes(newId),
      audit: { actor: 'user:ada', action, subject: 'Fleet/test', reason: 'for a test' },
    }),
  );

/** Contacts as they could be: most are well, some are silent in each way, some were never heard of. */
export function drawContacts(clusterIds: readonly number[], random: Random, beatMs = 4_000, nowMs = 1_000_000): Map<number, Contact> {
  const contacts = new Map<number, Contact>();
  const fence = { epoch: 1, generation: 1 };
  for (const id of clusterIds) {
    const fresh: Contact = { connected: true, sinceMs: 1, beatMs: nowMs - 100, vouchedMs: nowMs - 100, doubt: '', doubtMessage: '', fence };
    const stale = nowMs - 10 * beatMs;
    const draw = random.next();
    if (draw < 0.9) contacts.set(id, fresh);
    else if (draw < 0.92) contacts.set(id, { ...fresh, doubt: 'ClusterApiSilent', doubtMessage: 'it does not answer' });
    else if (draw < 0.94) contacts.set(id, { ...fresh, beatMs: stale, vouchedMs: stale });
    else if (draw < 0.96) contacts.set(id, { ...fresh, connected: false, beatMs: stale, vouchedMs: stale });
    else if (draw < 0.98) contacts.set(id, { ...fresh, vouchedMs: undefined, doubt: 'ReportsOutOfDate' });
  }
  return contacts;
}

/** Contacts held still, at one moment. */
export class StillFleet {
  readonly settling: object | undefined;
  readonly recordBehind = undefined;
  /** What every spoke answers. */
  answer = { ok: true, code: '', message: '' };
  readonly #contacts: Map<number, Contact>;
  readonly #nowMs: number;
  readonly #beatMs = 4_000;

  constructor(contacts: Map<number, Contact>, options: { settling?: boolean; nowMs?: number } = {}) {
    this.#contacts = contacts;
    this.#nowMs = options.nowMs ?? 1_000_000;
    this.settling = options.settling ? {} : undefined;
  }

  set(clusterId: number, contact: Contact): void {
    this.#contacts.set(clusterId, contact);
  }

  contacts(): Iterable<readonly [number, Contact]> {
    return this.#contacts;
  }

  contactOf(clusterId: number): Contact | undefined {
    return this.#contacts.get(clusterId);
  }

  timing(): Timing {
    return { nowMs: this.#nowMs, beatMs: this.#beatMs, settling: this.settling !== undefined };
  }

  /** As the production rule has it: who is silent cannot be asked. */
  reach({ id, name }: { readonly id: number; readonly name: string }): void {
    if (silenceOf(this.contactOf(id), this.timing())) throw new CommandError('CLUSTER_UNREACHABLE', `cluster ${name} cannot be asked`);
  }

  async command(cluster: { readonly id: number; readonly name: string }): Promise<CommandResult> {
    this.reach(cluster);
    return { id: '1', ...this.answer };
  }
}
