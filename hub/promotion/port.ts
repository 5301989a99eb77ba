import type { AppRow, ClusterRow, EnvironmentRow, TenantRow } from '#hub/store/mod.ts';

/** What people declared about one target, read from its rows. */
export interface Declared {
  /** Namespace of the app in this environment; undefined: the app does not name the environment (any more). */
  readonly namespace: string | undefined;
  /** Names of the environments that the app has a target in. */
  readonly targets: ReadonlySet<string>;
  readonly mode: 'Automatic' | 'Manual';
  readonly allowUnexercised: boolean;
  readonly maxConcurrent: number;
}

export interface TargetRows {
  readonly tenant: TenantRow;
  readonly environment: EnvironmentRow;
  readonly app: AppRow;
}

/** How the declared rows are read. Pure functions of what owns them. */
export interface Declarations {
  read(rows: TargetRows): Declared;
  /** Names of the environments before this one. */
  after(environment: EnvironmentRow): readonly string[];
  selects(environment: EnvironmentRow, cluster: ClusterRow): boolean;
  /** Bytes of the inputs of the app on that cluster. Throws when they are too large. */
  inputs(rows: TargetRows, cluster: ClusterRow): Uint8Array;
}
