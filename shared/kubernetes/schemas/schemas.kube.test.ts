import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { startFleet } from '#test/kube/mod.ts';

// builtin.json is what the real API server says about its kinds and their fields, as far as merging, owning and checking them needs it; columns.json
// what people see of each kind. This test holds both to the real one, and writes them anew when asked to:
//   node --test --test-update-snapshots shared/kubernetes/schemas/schemas.kube.test.ts

interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly type?: string;
  readonly format?: string;
  readonly oneOf?: readonly Schema[];
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema;
  readonly [extension: `x-kubernetes-${string}`]: unknown;
}
interface Resource {
  readonly resource: string;
  readonly responseKind: { readonly kind: string };
  readonly scope: string;
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly { readonly subresource: string }[];
}
interface Groups {
  readonly items: readonly { readonly metadata: { readonly name?: string }; readonly versions: readonly Version[] }[];
}
interface Version {
  readonly version: string;
  readonly resources: readonly Resource[];
}

type Ask = (path: string, accept?: string) => Promise<string>;

const short = (name: string): string =>
  name.replace(/^.*\/schemas\//, '').replace(/^.*\.(?:api|apis)\.(?!resource\.Quantity)|^.*\.(?=\w+\.\w+$)/, '');
const types: Record<string, unknown> = {};
let all: Readonly<Record<string, Schema>> = {};

function typeOf(schema: Schema): unknown {
  const ref = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (ref) return named(ref.replace('#/components/schemas/', ''), schema);
  if (schema.format === 'int-or-string' || schema.oneOf) return 'x';
  const isAtomic = schema['x-kubernetes-map-type'] === 'atomic' ? { a: 1 } : {};
  if (schema.type === 'array') {
    const keys = schema['x-kubernetes-list-map-keys'];
    const how = schema['x-kubernetes-list-type'];
    const merge = schema['x-kubernetes-patch-merge-key'] === undefined ? {} : { p: schema['x-kubernetes-patch-merge-key'] };
    return { l: typeOf(schema.items ?? {}), ...(how === 'map' ? { k: keys } : how === 'set' ? { s: 1 } : {}), ...merge };
  }
  if (schema.type === 'object' && schema.additionalProperties) return { m: typeOf(schema.additionalProperties), ...isAtomic };
  return { string: 's', integer: 'i', number: 'n', boolean: 'b' }[schema.type ?? ''] ?? 'u';
}

function named(name: string, at: Schema): unknown {
  const schema = all[name] ?? {};
  const id = short(name);
  if (!schema.properties) return typeOf(schema);
  if (types[id] === undefined) {
    types[id] = {}; // before its fields: types refer to themselves
    const entries = Object.entries(schema.properties);
    const values = entries.filter(
      ([, { default: value }]) => value !== undefined && value !== '' && value !== 0 && typeof value !== 'object',
    );
    types[id] = {
      f: Object.fromEntries(entries.map(([field, one]) => [field, typeOf(one)])),
      ...(schema['x-kubernetes-map-type'] === 'atomic' ? { a: 1 } : {}),
      // Fields that an empty Go value has: what they hold is never new, so nobody owns the field itself.
      ...some(
        'z',
        entries.filter(([, one]) => one.default !== undefined && JSON.stringify(one.default) === '{}').map(([field]) => field),
      ),
      ...some(
        'r',
        entries.filter(([field, one]) => one.type === 'array' && schema.required?.includes(field)).map(([field]) => field),
      ),
      ...(values.length > 0 ? { d: Object.fromEntries(values.map(([field, one]) => [field, one.default])) } : {}),
    };
  }
  return at['x-kubernetes-map-type'] === 'atomic' ? { t: id, a: 1 } : { t: id };
}
const some = (key: string, list: readonly string[]): object => (list.length > 0 ? { [key]: list } : {});

async function extracted(ask: Ask): Promise<{ readonly builtin: string; readonly columns: string }> {
  const get = async <T>(path: string, accept?: string): Promise<T> => JSON.parse(await ask(path, accept)) as T;
  const kinds: unknown[] = [];
  const columns: Record<string, unknown> = {};
  const common: Record<string, unknown> = {}; // a column that several kinds have is written once
  for (const root of ['/api', '/apis']) {
    const { items } = await get<Groups>(root, 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList');
    for (const { metadata, versions } of items) {
      const [{ version, resources } = { version: '', resources: [] }] = versions;
      const group = metadata.name ?? '';
      all = (await get<{ components: { schemas: Record<string, Schema> } }>(`/openapi/v3${root}${group && `/${group}`}/${version}`))
        .components.schemas;
      for (const one of resources) {
        const gvk = (value: unknown): boolean =>
          (value as { kind: string; version: string; group: string }[] | undefined)?.some(
            (it) => it.kind === one.responseKind.kind && it.version === version && it.group === group,
          ) ?? false;
        const name = Object.keys(all).find((key) => gvk(all[key]?.['x-kubernetes-group-version-kind']));
        if (!one.verbs.includes('list') || !one.verbs.includes('watch') || !name || group === 'events.k8s.io') continue;
        const type = named(name, {}) as { t: string };
        const row = { group, version, kind: one.responseKind.kind, resource: one.resource, singular: one.singularResource, type: type.t };
        const flags = one.scope === 'Namespaced' ? { namespaced: true } : {};
        const subresources = one.subresources?.some(({ subresource }) => subresource === 'status') ? { status: true } : {};
        const path = `${root}${group && `/${group}`}/${version}/${one.resource}?limit=1`;
        const { columnDefinitions } = await get<{ columnDefinitions: readonly { name: string }[] }>(
          path,
          'application/json;as=Table;v=v1;g=meta.k8s.io',
        );
        columns[`${one.responseKind.kind}.${group}`] = columnDefinitions.map((column) => {
          const usual = (common[column.name] ??= column);
          return JSON.stringify(usual) === JSON.stringify(column) ? column.name : column;
        });
        kinds.push({
          ...row,
          ...flags,
          ...subresources,
          ...some('shortNames', one.shortNames ?? []),
          ...some('categories', one.categories ?? []),
        });
      }
    }
  }
  const rows = Object.entries({ ...columns, common }).map(
    ([kind, definitions]) => `${JSON.stringify(kind)}:${JSON.stringify(definitions)}`,
  );
  const shapes = Object.entries(types).map(([id, type]) => `${JSON.stringify(id)}:${JSON.stringify(type)}`);
  return {
    builtin: `{"kinds":[\n${lines(kinds.map((kind) => JSON.stringify(kind)))}\n],"types":{\n${lines(shapes)}\n}}\n`,
    columns: `{\n${lines(rows)}\n}\n`,
  };
}
const lines = (list: readonly string[]): string => list.join(',\n');

test('what is known of built-in kinds is what the real API server says', { timeout: 10 * 60_000 }, async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'wheelhouse-schemas-'));
  try {
    await using fleet = await startFleet({ dir, names: ['schemas'] });
    const config = JSON.parse(await readFile(fleet.cluster('schemas').kubeconfig, 'utf8')) as Kubeconfig;
    const pem = (text = ''): Buffer => Buffer.from(text, 'base64');
    const [{ cluster } = { cluster: {} }, { user } = { user: {} }] = [config.clusters[0], config.users[0]];
    const tls = {
      ca: pem(cluster['certificate-authority-data']),
      cert: pem(user['client-certificate-data']),
      key: pem(user['client-key-data']),
    };
    const found = await extracted((path, accept = 'application/json') =>
      answer(`${fleet.cluster('schemas').url}${path}`, { ...tls, headers: { accept } }),
    );
    for (const name of ['builtin', 'columns'] as const)
      t.assert.fileSnapshot(found[name], join(import.meta.dirname, 'golden', `${name}.json`), { serializers: [String] });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});

interface Kubeconfig {
  readonly clusters: readonly { readonly cluster: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user: Readonly<Record<string, string>> }[];
}

const answer = (url: string, options: RequestOptions): Promise<string> =>
  new Promise((resolve, reject) => {
    request(url, options, (response) => {
      response
        .setEncoding('utf8')
        .toArray()
        .then((parts) => resolve(parts.join('')), reject);
    })
      .on('error', reject)
      .end();
  });
