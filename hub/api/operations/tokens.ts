import { z } from 'zod';
import type { Clock } from '#shared/clock/mod.ts';
import type { Random } from '#shared/kernel/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import { goodTokens, issue, revoke, type Issued } from '../auth/issued.ts';
import { scopes } from '../auth/scopes.ts';
import { time } from '../kinds/parts.ts';
import { done, tokenList, tokenMade } from '../schemas/answers.ts';
import { name } from '../schemas/words.ts';
import { changeQuery, type Change } from './changes.ts';
import type { Operation } from './operation.ts';

export interface TokenOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

const dayMs = 24 * 3_600_000;
const tokenBody = z.object({
  scope: z.enum(scopes),
  name: name.optional().describe('whom the audit log names; else one is made up'),
  ttlMs: z
    .int()
    .min(60_000)
    .max(365 * dayMs)
    .default(30 * dayMs),
});

const nothing = z.object({});
const identified = z.object({ id: z.string().regex(/^\d{1,15}$/) });

const shown = ({ id, subject, scope, expires_at }: Omit<Issued, 'created_at'>) => ({
  id: String(id),
  name: subject,
  scope,
  expiresAt: time(expires_at),
});

/** Who may ask what. All of it is for admins, so that nobody gives a scope that is not theirs. */
export const tokenOperations = ({ store, clock, random }: TokenOptions): readonly Operation[] => [
  {
    id: 'createToken',
    method: 'POST',
    path: '/v1alpha1/tokens',
    scope: 'admin',
    summary: 'Makes a token of a scope that ends by itself; it is shown this once',
    params: nothing,
    query: changeQuery,
    body: tokenBody,
    answer: tokenMade,
    changes: true,
    handle: async ({ query, body, actor }) => {
      const { scope, name, ttlMs } = body as z.output<typeof tokenBody>;
      const { row, token } = await issue(store, random, { scope, name, ttlMs }, { ...(query as Change), actor });
      return { ...shown(row), token };
    },
  },
  {
    id: 'listTokens',
    method: 'GET',
    path: '/v1alpha1/tokens',
    scope: 'admin',
    summary: 'The tokens that are good now, newest first: never themselves',
    params: nothing,
    query: nothing,
    answer: tokenList,
    handle: async () => ({
      items: (await goodTokens(store, clock.now())).map((row) => ({ ...shown(row), createdAt: time(row.created_at) })),
    }),
  },
  {
    id: 'revokeToken',
    method: 'DELETE',
    path: '/v1alpha1/tokens/{id}',
    scope: 'admin',
    summary: 'Ends a token at once; the one beside the keys of the hub stays',
    params: identified,
    query: changeQuery,
    answer: done,
    changes: true,
    handle: async ({ params, query, actor }) => {
      const change = query as Change;
      await revoke(store, Number(params['id']), { ...change, actor });
      return { dryRun: change.dryRun };
    },
  },
];
