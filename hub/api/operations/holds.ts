import { z } from 'zod';
import type { Clock } from '#shared/clock/mod.ts';
import type { Holds, Scope, Subject } from '#hub/holds/mod.ts';
import { holdShown } from '../kinds/holds.ts';
import { holdBody, holdChanged, type HoldBody } from '../schemas/holds.ts';
import { name } from '../schemas/words.ts';
import { changeQuery } from './changes.ts';
import type { Asked, Operation } from './operation.ts';

export interface HoldOptions {
  readonly holds: Pick<Holds, 'hold' | 'release'>;
  readonly clock: Clock;
}

interface Verb {
  readonly scope: Scope;
  readonly path: string;
  readonly params: z.ZodObject;
  readonly hold: 'freeze' | 'suspend';
  readonly release: 'unfreeze' | 'resume';
  readonly what: string;
  readonly undone: string;
}

const anyName = z.string().min(1).max(200);
const freeze = { hold: 'freeze', release: 'unfreeze' } as const;
const suspend = { hold: 'suspend', release: 'resume' } as const;

const verbs: readonly Verb[] = [
  {
    ...freeze,
    scope: 'Fleet',
    path: '/v1alpha1',
    params: z.object({}),
    what: 'Begins nothing anywhere until it is unfrozen',
    undone: 'Lets the fleet go on',
  },
  {
    ...freeze,
    scope: 'Cluster',
    path: '/v1alpha1/clusters/{name}',
    params: z.object({ name: anyName }),
    what: 'Gives a cluster nothing new: rollouts leave it out',
    undone: 'Lets a cluster have what it lacks',
  },
  {
    ...freeze,
    scope: 'Environment',
    path: '/v1alpha1/tenants/{tenant}/environments/{name}',
    params: z.object({ tenant: name, name: anyName }),
    what: 'Begins nothing in an environment: rollouts there start no further cluster',
    undone: 'Lets an environment go on',
  },
  {
    ...suspend,
    scope: 'Rollout',
    path: '/v1alpha1/tenants/{tenant}/rollouts/{name}',
    params: z.object({ tenant: name, name: anyName }),
    what: 'Stops a rollout: it starts no further cluster',
    undone: 'Lets a rollout go on',
  },
  {
    ...suspend,
    scope: 'App',
    path: '/v1alpha1/tenants/{tenant}/apps/{name}',
    params: z.object({ tenant: name, name: anyName }),
    what: 'Leaves an app alone wherever it is placed: nothing is written, drift included',
    undone: 'Manages an app again',
  },
  {
    ...suspend,
    scope: 'Placement',
    path: '/v1alpha1/tenants/{tenant}/placements/{name}',
    params: z.object({ tenant: name, name: anyName }),
    what: 'Leaves an app on one cluster alone: nothing is written, drift included',
    undone: 'Manages an app on one cluster again',
  },
];

/** freeze and unfreeze, suspend and resume. */
export const holdOperations = (options: HoldOptions): readonly Operation[] =>
  verbs.flatMap((verb) => [held(verb, options), released(verb, options)]);

const common = { method: 'POST', scope: 'operate', query: changeQuery, answer: holdChanged, changes: true } as const;

const held = ({ scope, path, params, hold, what }: Verb, { holds, clock }: HoldOptions): Operation => ({
  ...common,
  id: `${hold}${scope}`,
  path: `${path}/${hold}`,
  summary: what,
  params,
  body: holdBody,
  handle: async ({ params: given, query, body, actor }) => {
    const { reason, dryRun } = query as z.output<typeof changeQuery>;
    const until = untilOf(body as HoldBody, clock.now());
    const { hold: row, ...changed } = await holds.hold(subjectOf(scope, given), { actor, reason, until, dryRun });
    return { ...changed, dryRun, hold: row && holdShown(row) };
  },
});

const released = ({ scope, path, params, release, undone }: Verb, { holds }: HoldOptions): Operation => ({
  ...common,
  id: `${release}${scope}`,
  path: `${path}/${release}`,
  summary: undone,
  params,
  handle: async ({ params: given, query, actor }) => {
    const { reason, dryRun } = query as z.output<typeof changeQuery>;
    const { hold: row, ...changed } = await holds.release(subjectOf(scope, given), { actor, reason, dryRun });
    return { ...changed, dryRun, hold: row && holdShown(row) };
  },
});

const untilOf = ({ forMs, until }: HoldBody, now: number): number | null =>
  forMs !== undefined ? Math.round(now) + forMs : until === undefined ? null : Date.parse(until);

function subjectOf(scope: Scope, { tenant = '', name: given = '' }: Asked['params']): Subject {
  if (scope === 'Fleet') return { scope };
  return scope === 'Cluster' ? { scope, name: given } : { scope, tenant, name: given };
}
