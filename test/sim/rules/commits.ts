import { derivedTables } from './tables.ts';
import type { Commit, HoldRow, PlacementRow, RolloutClusterRow, RolloutRow, TargetRow, Write } from '#hub/store/mod.ts';
import type { Violations } from './violations.ts';

interface Watched {
  rollouts: RolloutRow;
  rollout_clusters: RolloutClusterRow;
  placements: PlacementRow;
  holds: HoldRow;
  targets: TargetRow;
}
type Name = keyof Watched;

const keys: { readonly [N in Name]: readonly (keyof Watched[N] & string)[] } = {
  rollouts: ['id'],
  rollout_clusters: ['rollout_id', 'placement_id'],
  placements: ['id'],
  holds: ['scope', 'subject_id'],
  targets: ['id'],
};

const exposedStates = new Set<RolloutClusterRow['state']>(['Started', 'Degraded', 'Unreachable']);
const isExposed = (row: RolloutClusterRow): boolean => exposedStates.has(row.state) || (row.state === 'Waiting' && row.started_at !== null);

/** Sees each commit of the record as it happens, and counts anew what the hub counts as it goes. */
export class CommitRules {
  readonly #violations: Violations;
  /** Whether that cluster has vouched for what it reported, lately enough to decide on. */
  readonly #isFresh: (clusterId: number) => boolean;
  readonly #rows: { readonly [N in Name]: Map<string, Watched[N]> } = {
    rollouts: new Map(),
    rollout_clusters: new Map(),
    placements: new Map(),
    holds: new Map(),
    targets: new Map(),
  };
  readonly #hashes = new Map<string, string>();
  audited = 0;
  starts = 0;

  constructor(violations: Violations, isFresh: (clusterId: number) => boolean) {
    this.#violations = violations;
    this.#isFresh = isFresh;
  }

  /** What the record says that this fence of the cluster is. */
  hashAt(clusterId: number, fence: string): string | undefined {
    return this.#hashes.get(`${clusterId} ${fence}`);
  }

  see({ writes, auditId }: Commit): void {
    const isMutation = writes.some(({ table }) => !derivedTables.has(table));
    if (isMutation && auditId === undefined)
      this.#violations.add(9, `a commit without audit record: ${writes.map(({ table }) => table).join(', ')}`);
    if (auditId !== undefined) this.audited += 1;
    const started: RolloutClusterRow[] = [];
    for (const write of writes) {
      if (write.op === 'put' && write.table === 'desired_history') this.#history(write.row as unknown as History);
      if (write.op === 'put' && write.table === 'rollout_clusters') {
        const row = write.row as unknown as RolloutClusterRow;
        const before = this.#rows.rollout_clusters.get(keyOf('rollout_clusters', row));
        if (before?.state === 'Waiting' && before.started_at === null && row.state === 'Started') started.push(row);
      }
    }
    for (const write of writes) this.#apply(write);
    this.starts += started.length;
    for (const [rolloutId, rows] of Map.groupBy(started, (row) => row.rollout_id)) this.#limit(rolloutId, rows);
    for (const row of started) this.#held(row);
  }

  #history({ cluster_id, epoch, generation, hash }: History): void {
    const key = `${cluster_id} ${epoch}/${generation}`;
    const text = Buffer.from(hash).toString('hex');
    const known = this.#hashes.get(key);
    if (known !== undefined && known !== text)
      this.#violations.add(8, `cluster ${cluster_id}: ${epoch}/${generation} was ${known}, is ${text}`);
    this.#hashes.set(key, text);
  }

  #limit(rolloutId: number, started: readonly RolloutClusterRow[]): void {
    const rollout = this.#rows.rollouts.get(String(rolloutId));
    const wave = started[0]?.wave;
    const exposed = [...this.#rows.rollout_clusters.values()].filter(
      (row) => row.rollout_id === rolloutId && row.wave === wave && isExposed(row),
    );
    if (rollout && exposed.length > rollout.max_concurrent)
      this.#violations.add(6, `rollout ${rollout.uid}: ${exposed.length} exposed at a start, the limit is ${rollout.max_concurrent}`);
    if (rollout && rollout.state !== 'Progressing')
      this.#violations.add(6, `rollout ${rollout.uid} is ${rollout.state} and starts clusters`);
    for (const { cluster_id } of started)
      if (!this.#isFresh(cluster_id)) this.#violations.add(6, `cluster ${cluster_id} was started on evidence that is not fresh`);
  }

  #held({ rollout_id, placement_id, cluster_id }: RolloutClusterRow): void {
    const placement = this.#rows.placements.get(String(placement_id));
    const target = placement && this.#rows.targets.get(String(placement.target_id));
    const stops: readonly (readonly [HoldRow['scope'], number | undefined])[] = [
      ['Fleet', 0],
      ['Environment', target?.environment_id],
      ['Cluster', cluster_id],
      ['Rollout', rollout_id],
      ['App', placement?.app_id],
      ['Placement', placement_id],
    ];
    for (const [scope, id] of stops)
      if (this.#rows.holds.has(`${scope} ${id}`))
        this.#violations.add(6, `placement ${placement_id} was started although ${scope} ${id} is held`);
  }

  #apply(write: Write): void {
    if (!(write.table in keys)) return;
    const name = write.table as Name;
    const rows = this.#rows[name] as Map<string, object>;
    if (write.op === 'put') rows.set(keyOf(name, write.row), write.row);
    else
      for (const [key, row] of rows)
        if (Object.entries(write.key).every(([column, value]) => (row as Record<string, unknown>)[column] === value)) rows.delete(key);
  }
}

interface History {
  readonly cluster_id: number;
  readonly epoch: number;
  readonly generation: number;
  readonly hash: Uint8Array;
}

const keyOf = (name: Name, row: object): string => keys[name].map((column) => String((row as Record<string, unknown>)[column])).join(' ');
