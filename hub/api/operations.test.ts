import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import type { z } from 'zod';
import { answerAt, brokenSchemas, judgeOf } from './testing/documents.ts';
import { operationsOf, startRig, type Rig } from './testing/rig.ts';

const cluster = (name: string): string =>
  `apiVersion: wheelhouse.dev/v1alpha1\nkind: Cluster\nmetadata: {name: ${name}}\nspec: {labels: {env: none}}\n`;
const tenant = `apiVersion: wheelhouse.dev/v1alpha1\nkind: Tenant\nmetadata: {name: fresh}\nspec: {sources: ['https://git.example.com/*'], namespaces: [shop], kinds: ['*'], serviceAccount: x}\n`;
const environment = `apiVersion: wheelhouse.dev/v1alpha1\nkind: Environment\nmetadata: {tenant: fresh, name: dev}\nspec: {clusterSelector: {matchLabels: {env: fresh}}, promotion: {mode: Manual}}\n`;
const app = `apiVersion: wheelhouse.dev/v1alpha1\nkind: App\nmetadata: {tenant: fresh, name: web}\nspec: {source: {git: {url: 'https://git.example.com/web', ref: {branch: main}}}, targets: [{environment: dev, namespace: shop}]}\n`;

interface Call {
  readonly path: string;
  readonly body?: string;
}

const uids = {
  targets: 'a0-0.e0-dev',
  placements: '',
  releases: 'r0-0',
  rollouts: 'o0-0-dev',
  environments: 'e0-dev',
  apps: 'a0-0',
  events: '',
  audit: '',
};
const names: Readonly<Record<string, string>> = {
  clusters: 'c-00001',
  tenants: 'team-0',
  environments: 'dev',
  apps: 'app-0',
  targets: 'app-0.dev',
  releases: 'app-0.20260101-0-0',
  rollouts: 'o0-0-dev',
};

/** How each operation that needs more than its path is called. What needs nothing is found by the path alone. */
const calls: Readonly<Record<string, Call>> = {
  apply: { path: '/v1alpha1/apply?reason=because', body: [cluster('unused'), tenant, environment, app].join('---\n') },
  deleteSet: { path: '/v1alpha1/delete?ignoreNotFound=true&reason=gone', body: cluster('not-there') },
  createJoinToken: { path: '/v1alpha1/clusters/c-00001/join-token', body: '{"ttlMs":60000}' },
  promoteRelease: { path: '/v1alpha1/tenants/team-0/targets/app-0.dev/promote', body: '{"release":"20260101-0-0"}' },
  createToken: { path: '/v1alpha1/tokens?reason=because', body: '{"scope":"read","name":"ci"}' },
  deleteCluster: { path: '/v1alpha1/clusters/unused?reason=gone' },
  deleteApp: { path: '/v1alpha1/tenants/fresh/apps/web' },
  deleteEnvironment: { path: '/v1alpha1/tenants/fresh/environments/dev' },
  deleteTenant: { path: '/v1alpha1/tenants/fresh' },
};

async function pathOf(id: string, path: string, rig: Rig): Promise<Call> {
  if (calls[id]) return calls[id];
  if (id === 'revokeToken') return { path: path.replace('{id}', (await rig.get('/v1alpha1/tokens')).body.items[0].id) };
  const [, plural = ''] = /\/([a-z]+)\/\{name\}/.exec(path) ?? [];
  const isOfTenant = path.includes('{tenant}');
  const filled = path.replace('{tenant}', 'team-0');
  if (!filled.includes('{name}')) return { path: filled };
  const needsUid = !isOfTenant && plural in uids;
  const known = needsUid ? uids[plural as keyof typeof uids] : (names[plural] ?? '');
  const first = async (): Promise<string> => {
    const { metadata } = (await rig.get(`/v1alpha1/${isOfTenant ? 'tenants/team-0/' : ''}${plural}?limit=1`)).body.items[0];
    return needsUid ? metadata.uid : metadata.name;
  };
  return { path: filled.replace('{name}', known || (await first())) };
}

test('every operation can be called, and answers what its schema says and nothing else', async () => {
  await using rig = await startRig();
  // A record that belongs to a tenant, for the paths below one.
  await rig.call('POST', '/v1alpha1/apply?reason=seed', {
    body: environment.replace('fresh', 'team-0').replace('name: dev', 'name: extra'),
  });
  await rig.store.read
    .insertInto('rollout_events')
    .values({ id: 900_000, rollout_id: await rolloutId(rig), at: 1, type: 'Normal', reason: 'Started', message: '' })
    .execute();
  // One that has not ended, to be suspended.
  await rig.store.read.updateTable('rollouts').set({ state: 'Progressing', finished_at: null }).where('uid', '=', 'o0-0-dev').execute();
  const operations = operationsOf(rig.options);
  const judge = judgeOf((await rig.call('GET', '/openapi.json')).body);
  assert.equal(new Set(operations.map(({ id }) => id)).size, operations.length);
  const ids = Object.keys(calls);
  for (const id of ids)
    assert.ok(
      operations.some((one) => one.id === id),
      id,
    );
  // What is made first is deleted last.
  const order = (id: string): number => (id === 'apply' ? -1 : id.startsWith('delete') ? ids.indexOf(id) + 1 : 0);
  for (const operation of operations.toSorted((a, b) => order(a.id) - order(b.id))) {
    const { path: found, body } = await pathOf(operation.id, operation.path, rig);
    const path = /^(freeze|suspend)/.test(operation.id) ? `${found}?reason=because` : found;
    const answer = await rig.call(operation.method, path, body === undefined ? {} : { body });
    assert.equal(answer.status, 200, `${operation.id} ${path}: ${JSON.stringify(answer.body).slice(0, 500)}`);
    const parsed = operation.answer.safeParse(answer.body);
    assert.ok(parsed.success, `${operation.id}: ${parsed.error?.message}`);
    assert.deepEqual(judge(answerAt(operation.method, operation.path), answer.body), [], operation.id);
    if (operation.id !== 'openApi') assert.deepEqual(undeclared(operation.answer, answer.body), [], operation.id);
  }
});

const rolloutId = async (rig: Rig): Promise<number> =>
  (await rig.store.read.selectFrom('rollouts').select('id').where('uid', '=', 'o0-0-dev').executeTakeFirstOrThrow()).id;

/** Fields of an answer that its schema drops: nobody could know of them. */
function undeclared(schema: z.ZodType, body: unknown): string[] {
  const kept = schema.parse(body);
  const missing: string[] = [];
  const walk = (given: unknown, taken: unknown, path: string): void => {
    if (typeof given !== 'object' || given === null) return;
    for (const [key, value] of Object.entries(given)) {
      const there = typeof taken === 'object' && taken !== null && key in taken;
      if (!there) missing.push(`${path}.${key}`);
      else walk(value, (taken as Record<string, unknown>)[key], `${path}.${key}`);
    }
  };
  walk(body, kept, '');
  return missing;
}

interface Document {
  openapi: string;
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        parameters?: { name: string; in: string; required: boolean; schema: unknown }[];
        responses: Record<string, { description: string }>;
      }
    >
  >;
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> };
  security: Record<string, unknown>[];
}

test('every schema of the document is one, and an answer that it does not describe is found', async () => {
  await using rig = await startRig();
  const document = (await rig.call('GET', '/openapi.json')).body as Document;
  assert.deepEqual(brokenSchemas(document.components.schemas), []);
  assert.notDeepEqual(brokenSchemas({ Bad: { type: 'sting' } }), []);
  const judge = judgeOf(document);
  const at = answerAt('GET', '/v1alpha1/clusters/{name}');
  const { body } = await rig.get('/v1alpha1/clusters/c-00001');
  assert.deepEqual(judge(at, body), []);
  assert.match(judge(at, { ...body, status: { ...body.status, health: 'Fine' } }).join(), /health/);
  assert.match(judge(at, { ...body, metadata: {} }).join(), /metadata.*name/);
});

test('the OpenAPI document holds the rules of OpenAPI 3.1', async () => {
  await using rig = await startRig();
  const { body, status } = await rig.call('GET', '/openapi.json', { token: null });
  assert.equal(status, 200);
  const document = body as Document;
  assert.match(document.openapi, /^3\.1\.\d+$/);
  assert.ok(body.info.title && body.info.version);
  const ids: string[] = [];
  for (const [path, item] of Object.entries(document.paths)) {
    assert.match(path, /^\//);
    const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
    for (const [method, operation] of Object.entries(item)) {
      assert.ok(['get', 'post', 'delete'].includes(method));
      ids.push(operation.operationId);
      const parameters = operation.parameters ?? [];
      const keys = parameters.map((one) => `${one.in} ${one.name}`);
      assert.equal(new Set(keys).size, keys.length, `${path}: a parameter twice`);
      assert.deepEqual(
        parameters
          .filter((one) => one.in === 'path')
          .map(({ name }) => name)
          .toSorted(),
        inPath.toSorted(),
      );
      assert.ok(parameters.every((one) => one.in !== 'path' || one.required));
      assert.ok(parameters.every(({ schema }) => schema !== undefined));
      for (const [code, response] of Object.entries(operation.responses)) {
        assert.match(code, /^([1-5]\d\d|default)$/);
        assert.equal(typeof response.description, 'string');
      }
    }
  }
  assert.equal(new Set(ids).size, ids.length);
  const templates = Object.keys(document.paths).map((path) => path.replaceAll(/\{\w+\}/g, '{}'));
  assert.equal(new Set(templates).size, templates.length, 'two paths that cannot be told apart');
  for (const name of Object.keys(document.components.schemas)) assert.match(name, /^[A-Za-z0-9._-]+$/);
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref ?? '');
  assert.ok(references.length > 50);
  for (const ref of references) assert.ok(ref.replace('#/components/schemas/', '') in document.components.schemas, ref);
  for (const security of document.security)
    for (const name of Object.keys(security)) assert.ok(name in document.components.securitySchemes);
  for (const kind of ['Cluster', 'Tenant', 'Environment', 'App', 'Target', 'Placement', 'Release', 'Rollout', 'Event', 'AuditRecord'])
    for (const name of [kind, `${kind}List`]) assert.ok(name in document.components.schemas, name);
});

interface Recorded {
  readonly client: string;
  readonly request: { readonly method: string; readonly path: string; readonly headers?: Record<string, string>; readonly body?: string };
  readonly answer: { readonly status: number; readonly has: Readonly<Record<string, unknown>> };
}

const folder = join(import.meta.dirname, 'testdata/recorded');
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json')))
  test(`an earlier client's requests still work: ${file}`, async () => {
    await using rig = await startRig();
    for (const { request, answer } of JSON.parse(readFileSync(join(folder, file), 'utf8')) as Recorded[]) {
      const { method, path, headers = {}, body } = request;
      const { status, body: given } = await rig.call(method, path, { headers, ...(body === undefined ? {} : { body }) });
      assert.equal(status, answer.status, `${method} ${path}: ${JSON.stringify(given).slice(0, 300)}`);
      for (const [where, value] of Object.entries(answer.has)) {
        const found = where.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], given);
        if (value === '*') assert.notEqual(found, undefined, `${method} ${path}: ${where}`);
        else assert.deepEqual(found, value, `${method} ${path}: ${where}`);
      }
    }
  });
