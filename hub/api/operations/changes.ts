import { z } from 'zod';
import type { Clock } from '#shared/clock/mod.ts';
import type { Identities } from '#hub/identity/mod.ts';
import { applied, done, joinTokenMade } from '../schemas/answers.ts';
import { name } from '../schemas/words.ts';
import { time } from '../kinds/parts.ts';
import type { Operation } from './operation.ts';

/** What applying a set of resources did. */
export interface Applied {
  readonly changes: readonly { readonly subject: string; readonly action: 'created' | 'configured' | 'unchanged' }[];
  readonly retire: readonly string[];
  readonly dryRun: boolean;
}

export interface ChangeOptions {
  readonly identities: Pick<Identities, 'createJoinToken' | 'accept'>;
  /** Validates and applies a text of YAML or JSON; rejects with every problem at once. */
  readonly apply: (text: string, who: { actor: string; reason: string; dryRun: boolean }) => Promise<Applied>;
  /** Looks at the Git source of an app now. Rejects with NOT_FOUND. */
  readonly pollNow: (tenant: string, app: string) => Promise<void>;
  readonly clock: Clock;
}

export const changeQuery = z.object({
  reason: z.string().max(1024).default('').describe('kept in the audit log'),
  dryRun: z.stringbool().default(false).describe('say what would happen and change nothing'),
});
type Change = z.output<typeof changeQuery>;

const dayMs = 24 * 3_600_000;
const joinTokenBody = z.object({
  ttlMs: z
    .int()
    .min(1_000)
    .max(7 * dayMs)
    .default(3_600_000),
  accepted: z.boolean().default(false).describe('the agent that uses it is accepted without being asked again'),
  reason: z.string().max(1024).optional(),
});
type JoinTokenBody = z.output<typeof joinTokenBody>;

const named = z.object({ name });
const owned = z.object({ tenant: name, name });

/** Everything that changes something. */
export const changeOperations = ({ identities, apply, pollNow, clock }: ChangeOptions): readonly Operation[] => [
  {
    id: 'apply',
    method: 'POST',
    path: '/v1alpha1/apply',
    scope: 'admin',
    summary: 'Declares a set of resources, all of it or nothing',
    params: z.object({}),
    query: changeQuery,
    body: 'set',
    answer: applied,
    changes: true,
    handle: async ({ body, query, actor }) => {
      const { changes, retire, dryRun } = await apply(body as string, { ...(query as Change), actor });
      return { items: changes, retire, dryRun };
    },
  },
  {
    id: 'createJoinToken',
    method: 'POST',
    path: '/v1alpha1/clusters/{name}/join-token',
    scope: 'admin',
    summary: 'Makes a token that lets one agent become this cluster',
    params: named,
    query: changeQuery,
    body: joinTokenBody,
    answer: joinTokenMade,
    changes: true,
    handle: async ({ params, query, body, actor }) => {
      const { ttlMs, accepted, reason } = body as JoinTokenBody;
      const token = await identities.createJoinToken(params['name'] ?? '', {
        ttlMs,
        accepted,
        actor,
        reason: reason ?? (query as Change).reason,
      });
      return { token: token.reveal(), expiresAt: time(clock.now() + ttlMs) };
    },
  },
  {
    id: 'acceptCluster',
    method: 'POST',
    path: '/v1alpha1/clusters/{name}/accept',
    scope: 'operate',
    summary: 'Accepts an agent that has asked to be this cluster',
    params: named,
    query: changeQuery,
    answer: done,
    changes: true,
    handle: async ({ params, query, actor }) => {
      const { reason, dryRun } = query as Change;
      if (!dryRun) await identities.accept(params['name'] ?? '', actor, reason);
      return { dryRun };
    },
  },
  {
    id: 'syncApp',
    method: 'POST',
    path: '/v1alpha1/tenants/{tenant}/apps/{name}/sync',
    scope: 'operate',
    summary: "Looks at the app's source now instead of at the next poll",
    params: owned,
    query: changeQuery,
    answer: done,
    changes: true,
    handle: async ({ params, query }) => {
      const { dryRun } = query as Change;
      if (!dryRun) await pollNow(params['tenant'] ?? '', params['name'] ?? '');
      return { dryRun };
    },
  },
];
