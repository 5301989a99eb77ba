import { z } from 'zod';
import { applyResources, deleteResource, deleteResources } from '#hub/declarations/mod.ts';
import { parseReferences, parseResources, type Kind, type ResourceFile } from '#hub/resources/mod.ts';
import type { Store } from '#hub/store/mod.ts';
import { applied, deleted, done } from '../schemas/answers.ts';
import { name } from '../schemas/words.ts';
import type { Operation } from './operation.ts';

export interface ChangeOptions {
  readonly store: Store;
  /** What people declare has changed. */
  readonly onDeclared: () => Promise<void>;
}

export const changeQuery = z.object({
  reason: z.string().max(1024).default('').describe('kept in the audit log'),
  dryRun: z.stringbool().default(false).describe('say what would happen and change nothing'),
});
export type Change = z.output<typeof changeQuery>;

const deleteQuery = changeQuery.extend({
  ignoreNotFound: z.stringbool().default(false).describe('what is not there is as good as deleted'),
});
type DeleteQuery = z.output<typeof deleteQuery>;

const named = z.object({ name });
const owned = z.object({ tenant: name, name });

const filesBody = z.strictObject({ files: z.array(z.strictObject({ file: z.string().max(1024), text: z.string() })).max(1_000) });

const deletable: readonly (readonly [Kind, string, z.ZodObject])[] = [
  ['Cluster', '/v1alpha1/clusters/{name}', named],
  ['Tenant', '/v1alpha1/tenants/{name}', named],
  ['Environment', '/v1alpha1/tenants/{tenant}/environments/{name}', owned],
  ['App', '/v1alpha1/tenants/{tenant}/apps/{name}', owned],
];

/** What people declare, and take back. */
export const changeOperations = ({ store, onDeclared }: ChangeOptions): readonly Operation[] => [
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
      const parsed = parseResources(filesOf(body as string));
      const { changes, retire, dryRun } = await applyResources(store, parsed, { ...(query as Change), actor, manager: 'api' });
      await onDeclared();
      return { items: changes, retire, dryRun };
    },
  },
  {
    id: 'deleteSet',
    method: 'POST',
    path: '/v1alpha1/delete',
    scope: 'admin',
    summary: 'Takes back everything that the documents name, all of it or nothing; only kind and name of each count',
    params: z.object({}),
    query: deleteQuery,
    body: 'set',
    answer: deleted,
    changes: true,
    handle: async ({ body, query, actor }) => {
      const done = await deleteResources(store, parseReferences(filesOf(body as string)), { ...(query as DeleteQuery), actor });
      await onDeclared();
      return done;
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
    conditional: true,
    handle: async ({ params, query, headers, actor }) => {
      const { tenant, name = '' } = params;
      const { reason, dryRun } = query as Change;
      const what = { kind, name, ...(tenant === undefined ? {} : { tenant }), version: versionIn(headers['if-match']) };
      await deleteResource(store, { ...what, actor, reason, dryRun });
      await onDeclared();
      return { dryRun };
    },
  })),
];

/** `"5.2"` or 5.2; `*` asks for nothing but that it is there. */
export const versionIn = (header: string | undefined): string | undefined =>
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
