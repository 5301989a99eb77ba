import type { Digest } from '#shared/kernel/mod.ts';

// The tables of the record. Integer keys inside, uids and names at the edges. Times are epoch milliseconds of the hub that wrote them, for people;
// nothing is decided by comparing them with another machine's. JSON columns hold text; blobs hold exact bytes.

/** What people wrote: `manager` owns the row (a Git source, or `api`), `source_digest` is the digest of the document it came from. */
interface Declared {
  id: number;
  uid: string;
  name: string;
  spec: string;
  manager: string;
  source_digest: string;
  /** Rises with each change of the spec. */
  generation: number;
  created_at: number;
  updated_at: number;
}

export type TenantRow = Declared;
export interface EnvironmentRow extends Declared {
  tenant_id: number;
}
export interface AppRow extends Declared {
  tenant_id: number;
}

/** App x environment: what is promoted into. */
export interface TargetRow {
  id: number;
  app_id: number;
  environment_id: number;
  /** The (release, inputs) of the last rollout that Succeeded; the inputs are those of its placements. */
  current_release_id: number | null;
  /** What the target is moving to or has been offered last; never older than current by a promotion of its own accord. */
  offered_release_id: number | null;
  offered_at: number | null;
  /** The last rollout of current changed at least one cluster: only then has this environment proved anything. */
  exercised: number;
  /** What the next promotion into this target waits for; '' when for nothing. */
  waiting_reason: string;
  waiting_message: string;
}

export interface ClusterRow {
  id: number;
  name: string;
  /** Of the current enrolment; null before the first one. */
  uid: string | null;
  labels: string;
  parameters: string;
  /** Declared: no identity yet. Pending: has asked, waits for an admin. Accepted. Revoked. */
  state: 'Declared' | 'Pending' | 'Accepted' | 'Revoked';
  kube_system_uid: string | null;
  facts: string;
  manager: string;
  source_digest: string;
  generation: number;
  created_at: number;
  updated_at: number;
}

export interface CommitRow {
  id: number;
  app_id: number;
  commit: string;
  author: string;
  message: string;
  committed_at: number;
  seen_at: number;
  /** Released: made a release. NoChange: changed no variant. Failed: see message. */
  outcome: 'Released' | 'NoChange' | 'Failed';
  outcome_message: string;
  traceparent: string;
}

/** The commit that was taken in last, and for which generation of the app: it needs no second look, not even after a restart. */
export interface TakenCommitRow {
  app_id: number;
  generation: number;
  commit: string;
}

export interface ReleaseRow {
  id: number;
  uid: string;
  app_id: number;
  /** Digest of the OCI image index. */
  digest: Digest;
  alias: string;
  /** host[:port]/path */
  repository: string;
  commit_id: number;
  /** JSON list of image references that the manifests name. */
  images: string;
  created_at: number;
}

export interface VariantRow {
  id: number;
  release_id: number;
  environment: string;
  digest: Digest;
  layer_hash: Digest;
  layer_bytes: number;
}

export interface InputsRow {
  id: number;
  hash: Digest;
  bytes: Uint8Array;
}

export interface RevisionRow {
  id: number;
  revision: Digest;
  layer_hash: Digest;
  inputs_id: number;
}

/** One app in one namespace of one cluster. Holds what is wanted; what is observed lives only in reports. */
export interface PlacementRow {
  id: number;
  uid: string;
  cluster_id: number;
  app_id: number;
  namespace: string;
  target_id: number;
  /** Active; Held: keeps running what it runs and gets nothing new (hold_reason says why). */
  state: 'Active' | 'Held';
  hold_reason: string;
  mode: 'Enforce' | 'Observe' | 'Suspended';
  /** null: nothing has been started here yet. */
  wanted_revision_id: number | null;
  wanted_variant_id: number | null;
  /** The rollout that set the wanted revision. */
  rollout_id: number | null;
  traceparent: string;
  updated_at: number;
}

export interface RolloutRow {
  id: number;
  uid: string;
  target_id: number;
  release_id: number;
  kind: 'Release' | 'Inputs' | 'Join';
  /** Progressing until it ends in a named outcome. */
  state: 'Progressing' | 'Paused' | 'Succeeded' | 'Failed' | 'Superseded';
  /** CamelCase: of the outcome, or of what it waits for. */
  reason: string;
  message: string;
  /** How many of a wave may be in flight, degraded or unreachable after their start. */
  max_concurrent: number;
  waves: number;
  wave: number;
  created_at: number;
  finished_at: number | null;
  traceparent: string;
}

export interface RolloutClusterRow {
  rollout_id: number;
  placement_id: number;
  cluster_id: number;
  wave: number;
  /**
   * Waiting -> Started -> Succeeded; Unchanged: the revision was the same already; Degraded may still become Succeeded; Skipped: frozen or suspended when its
   * turn came, and Waiting again when that has ended in time.
   */
  state: 'Waiting' | 'Started' | 'Degraded' | 'Unreachable' | 'Succeeded' | 'Unchanged' | 'Skipped';
  reason: string;
  message: string;
  from_revision_id: number | null;
  to_revision_id: number;
  to_variant_id: number;
  started_at: number | null;
  finished_at: number | null;
}

export interface RolloutEventRow {
  id: number;
  rollout_id: number;
  at: number;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/** Something that was observed; the same again within a while is the same row, counted. Bounded per object and in all. */
export interface EventRow {
  id: number;
  /** The order in which things happened last. */
  seq: number;
  /** What it is about: Cluster, Placement. */
  kind: string;
  /** '': of the fleet. */
  tenant: string;
  name: string;
  /** What else it concerns; '' when nothing of that sort. */
  cluster: string;
  app: string;
  environment: string;
  type: 'Normal' | 'Warning';
  /** CamelCase, of a closed list. */
  reason: string;
  /** What makes two of the same reason different things: why it is Degraded, which object drifted by whose hand. */
  cause: string;
  message: string;
  /** Who did it, as far as anybody knows. */
  actor: string;
  /** The rollout that had set what was wanted there. */
  rollout_id: number | null;
  count: number;
  first_at: number;
  at: number;
}

export interface EventStateRow {
  /** Of a cluster or a placement: keys are unique over all tables. */
  object_id: number;
  /** JSON; see hub/events. */
  state: string;
}

/** What a person has stopped, and why: while the row is there, it is held. */
export interface HoldRow {
  /** Fleet, Environment, Cluster are frozen; Rollout, App, Placement are suspended. */
  scope: 'Fleet' | 'Environment' | 'Cluster' | 'Rollout' | 'App' | 'Placement';
  /** Of the scope's table; 0 for the fleet. */
  subject_id: number;
  /** Who said so last. */
  actor: string;
  reason: string;
  since: number;
  /** When the hub takes it back by itself; null: never. */
  until: number | null;
}

/** The last dispatched desired state of a cluster: fence and exact envelope bytes. */
export interface DesiredRow {
  cluster_id: number;
  epoch: number;
  generation: number;
  hash: Uint8Array;
  envelope: Uint8Array;
  /** 1 once NATS has acknowledged these very bytes; a hub that starts publishes what is not. */
  published: number;
  at: number;
}

export interface DesiredHistoryRow {
  cluster_id: number;
  epoch: number;
  generation: number;
  hash: Uint8Array;
}

/** The fence that brought a placement its wanted revision, at its last move: what a spoke says of it counts from there on. */
export interface DispatchedRow {
  placement_id: number;
  revision_id: number;
  epoch: number;
  generation: number;
}

/** Last reported value of one placement. */
export interface ReportRow {
  placement_id: number;
  /** Encoded AssignmentReport, as received. */
  value: Uint8Array;
  revision_wanted: string;
  revision_applied: string;
  health: string;
  reason: string;
  message: string;
  received_at: number;
  /** Since when the spoke reports this health for this reason about what it runs. */
  since: number;
}

/** Desired states that a spoke refused, and messages that the hub refused: what an operator asks about at night. Bounded per cluster. */
export interface RefusalRow {
  id: number;
  cluster_id: number;
  at: number;
  code: string;
  message: string;
}

export interface FleetRow {
  id: 1;
  fleet_id: string;
  epoch: number;
  /** Each hub that becomes the writer raises it; a transaction of an older term is refused. */
  leader_term: number;
  keyset_version: number;
}

export interface TokenRow {
  id: number;
  kind: 'Join' | 'Api';
  /** sha256 of the secret part. */
  hash: Uint8Array;
  /** Join: the cluster name it is bound to. Api: its name. */
  subject: string;
  scope: string;
  /** Join: sha256 of the first public key (SPKI) that used it. */
  bound_key: Uint8Array | null;
  expires_at: number;
  created_at: number;
}

export interface CertificateRow {
  id: number;
  cluster_id: number;
  serial: string;
  fingerprint: string;
  key_hash: Uint8Array;
  not_after: number;
  revoked_at: number | null;
  created_at: number;
}

/** One row per accepted mutation, hash-chained in commit order. */
export interface AuditRow {
  id: number;
  at: number;
  actor: string;
  action: string;
  /** Kind/tenant/name */
  subject: string;
  reason: string;
  detail: string;
  previous: Uint8Array;
  hash: Uint8Array;
}

/** Keys, never bodies: `dispatch:<cluster id>`, `target:<id>`, `rollout:<id>`. Effects are idempotent and read all state when they run. */
export interface OutboxRow {
  key: string;
  id: number;
  at: number;
}

export interface Tables {
  fleet: FleetRow;
  tenants: TenantRow;
  environments: EnvironmentRow;
  apps: AppRow;
  targets: TargetRow;
  clusters: ClusterRow;
  commits: CommitRow;
  taken_commits: TakenCommitRow;
  releases: ReleaseRow;
  variants: VariantRow;
  inputs: InputsRow;
  revisions: RevisionRow;
  placements: PlacementRow;
  rollouts: RolloutRow;
  rollout_clusters: RolloutClusterRow;
  rollout_events: RolloutEventRow;
  holds: HoldRow;
  events: EventRow;
  event_states: EventStateRow;
  desired: DesiredRow;
  desired_history: DesiredHistoryRow;
  dispatched: DispatchedRow;
  reports: ReportRow;
  refusals: RefusalRow;
  tokens: TokenRow;
  certificates: CertificateRow;
  audit: AuditRow;
  outbox: OutboxRow;
}
export type TableName = keyof Tables;

/** Primary keys: what a put replaces by. */
export const primaryKey: { readonly [T in TableName]: readonly (keyof Tables[T] & string)[] } = {
  fleet: ['id'],
  tenants: ['id'],
  environments: ['id'],
  apps: ['id'],
  targets: ['id'],
  clusters: ['id'],
  commits: ['id'],
  taken_commits: ['app_id'],
  releases: ['id'],
  variants: ['id'],
  inputs: ['id'],
  revisions: ['id'],
  placements: ['id'],
  rollouts: ['id'],
  rollout_clusters: ['rollout_id', 'placement_id'],
  rollout_events: ['id'],
  holds: ['scope', 'subject_id'],
  events: ['id'],
  event_states: ['object_id'],
  desired: ['cluster_id'],
  desired_history: ['cluster_id', 'epoch', 'generation'],
  dispatched: ['placement_id'],
  reports: ['placement_id'],
  refusals: ['id'],
  tokens: ['id'],
  certificates: ['id'],
  audit: ['id'],
  outbox: ['key'],
};

/** What is observed or computed from what was decided: written without an audit row of its own. Everything else is a mutation and has exactly one. */
export const derivedTables: ReadonlySet<TableName> = new Set([
  'taken_commits',
  'desired',
  'desired_history',
  'dispatched',
  'reports',
  'refusals',
  'rollout_events',
  'events',
  'event_states',
  'outbox',
]);
