import { z } from 'zod';
import type { Clock } from '#shared/clock/mod.ts';
import type { Identities } from '#hub/identity/mod.ts';
import type { Kind, ResourceFile } from '#hub/resources/mod.ts';
import { applied, done, joinTokenMade, promoted } from '../schemas/answers.ts';
import { name } from '../schemas/words.ts';
import { time } from '../kinds/parts.ts';
import type { Operation } from './operation.ts';

export interface Who {
  readonly actor: string;
  readonly reason: string;
  readonly dryRun: boolean;
}

export interface Promoted {
  /** Of the rollout that was begun or extended. */
  readonly rollout: string | null;
  /** What it waits for; reason '': nothing. */
  readonly wait: { readonly reason: string; readonly message: string };
}

/** What applying a set of resources did. */
export interface Applied {
  readonly changes: readonly { readonly subject: string; readonly action: 'created' | 'configured' | 'unchanged' }[];
  readonly retire: readonly string[];
  readonly dryRun: boolean;
}

export interface ChangeOptions {
  readonly identities: Pick<Identities, 'createJoinToken' | 'accept'>;
  /** Validates and applies files of YAML or JSON as one set; rejects with every problem at once. */
  readonly apply: (files: readonly ResourceFile[], who: Who) => Promise<Applied>;
  /** Takes back a declaration; rejects with NOT_DECLARED, IN_USE, VERSION_MISMATCH. */
  readonly remove: (what: { kind: Kind; tenant?: string; name: string; version?: string | undefined }, who: Who) => Promise<void>;
  /** Offers a release (digest, alias or uid) to a target by hand; rejects with NOT_FOUND, VERSION_MISMATCH. */
  readonly promote: (target: { tenant: string; app: string; environment: string }, release: string, who: Who) => Promise<Promoted>;
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

const targetName = z
  .string()
  .regex(/^[a-z0-9-]{1,63}\.[a-z0-9-]{1,63}$/)
  .describe('<app>.<environment>');
const promoteBody = z.object({ release: z.string().min(1).max(256).describe('digest, alias, name or uid') });
type PromoteBody = z.output<typeof promoteBody>;

const filesBody = z.strictObject({ files: z.array(z.strictObject({ file: z.string().max(1024), text: z.string() })).max(1_000) });

const deletable: readonly (readonly [Kind, string, z.ZodObject])[] = [
  ['Cluster', '/v1alpha1/clusters/{name}', named],
  ['Tenant', '/v1alpha1/tenants/{name}', named],
  ['Environment', '/v1alpha1/tenants/{tenant}/environments/{name}', owned],
  ['App', '/v1alpha1/tenants/{tenant}/apps/{name}', owned],
];

/** Everything that changes something. */
export const changeOperations = ({ identities, apply, remove, promote, pollNow, clock }: ChangeOptions): readonly Operation[] => [
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
      const { changes, retire, dryRun } = await apply(filesOf(body as string), { ...(query as Change), actor });
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
  {
    id: 'promoteRelease',
    method: 'POST',
    path: '/v1alpha1/tenants/{tenant}/targets/{name}/promote',
    scope: 'operate',
    summary: 'Offers a release to a target by hand; it still needs the evidence that the environment asks for',
    params: z.object({ tenant: name, name: targetName }),
    query: changeQuery,
    body: promoteBody,
    answer: promoted,
    changes: true,
    handle: async ({ params, query, body, actor }) => {
      const [app = '', environment = ''] = (params['name'] ?? '').split('.');
      const { release } = body as PromoteBody;
      const { rollout, wait } = await promote({ tenant: params['tenant'] ?? '', app, environment }, release, {
        ...(query as Change),
        actor,
      });
      return { rollout, waiting: wait.reason === '' ? null : { reason: wait.reason, message: wait.message } };
    },
  },
  ...deletable.map(([kind, path, params]): Operation => ({
    id: `delete${kind}`,
    method: 'DELETE',
    path,
    scope: 'admin',
    summary: `Takes back the declaration of a ${kind} that nothing depends on`,
    params,
    query: changeQuery,
    answer: done,
    changes: true,
    handle: async ({ params, query, headers, actor }) => {
      const { tenant, name = '' } = params;
      const who = { ...(query as Change), actor };
      await remove({ kind, name, ...(tenant === undefined ? {} : { tenant }), version: versionIn(headers['if-match']) }, who);
      return { dryRun: who.dryRun };
    },
  })),
];

/** `"5.2"` or 5.2; `*` asks for nothing but that it is there. */
const versionIn = (header: string | undefined): string | undefined =>
  header === undefined || header === '*' ? undefined : header.replaceAll(/^(?:W\/)?"|"$/g, '');

/** One text of resources, or `{files: [{file, text}]}`, so that a problem names the file that it is in. */
function filesOf(body: string): readonly ResourceFile[] {
  const several = body.trimStart().startsWith('{') ? filesBody.safeParse(jsonOf(body)) : undefined;
  return several?.success ? several.data.files : [{ file: 'request', text: body }];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
