import type { AssignmentReport } from '../../proto/mod.ts';
import type { Clock } from '../../shared/clock/mod.ts';
import type { Inputs, Random } from '../../shared/kernel/mod.ts';
import type { Log } from '../../shared/telemetry/mod.ts';
import type { ContentFetcher } from '../fetch/mod.ts';
import type { Discovery, KubeClient } from '../kube/mod.ts';
import type { AssignmentStore } from './port.ts';

/** What a spoke's assignments stand on. */
export interface AssignmentsParts {
  readonly kube: KubeClient;
  readonly store: AssignmentStore;
  readonly fetcher: ContentFetcher;
  /** Makes sure of the tenant's account and rights, before anything is written under it. */
  readonly tenancy: { ensure(inputs: Inputs, discovery: Discovery, signal: AbortSignal): Promise<void> };
  readonly clock: Clock;
  readonly random: Random;
  readonly fleetId: string;
  /** Called with the full last value whenever it differs from the one before. */
  readonly onReport: (uid: string, report: AssignmentReport) => void;
  readonly log: Log;
}
