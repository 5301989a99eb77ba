import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#shared/clock/mod.ts';
import {
  ApiError,
  type DeleteOptions,
  at,
  badRequest,
  type Doc,
  docAt,
  invalid,
  isDoc,
  isList,
  type Kind,
  notImplemented,
  refusal,
  type Stored,
  type Verb,
  type WriteRequest,
  type Writes,
} from '#shared/kubernetes/mod.ts';
import { deleteOptions } from './deletes.ts';
import { discovery, openApi } from './discovery.ts';
import { listOf, Pages, partial } from './lists.ts';
import { tableFor } from './tables.ts';
import { watch } from './watches.ts';

const bodyMaxBytes = 3 * 1024 * 1024;
/** No schema is nested so deeply. */
const levelsMax = 200;
/** As the real one bounds it. */
const operationsMax = 10_000;
const version = { major: '1', minor: '36', gitVersion: 'v1.36.3', gitTreeState: 'sandbox', platform: 'sandbox' };

/** What a path is about. */
interface Target extends Readonly<Record<'namespace' | 'name' | 'subresource', string>> {
  readonly kind: Kind;
}
export interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly type?: string;
}
const text = (code: number, body: string): Answer => ({ code, body, type: 'text/plain; charset=utf-8' });

/** The API of one cluster: a request in, an answer out, or a stream of them. */
export class Api {
  readonly writes: Writes;
  readonly #clock: Clock;
  readonly #pages = new Pages();

  constructor(writes: Writes, clock: Clock) {
    [this.writes, this.#clock] = [writes, clock];
  }

  /** Throws ApiError. Undefined: the answer is a watch, which goes its own way. */
  async answer(request: IncomingMessage, url: URL, response: ServerResponse): Promise<Answer | undefined> {
    const [{ method = 'GET', headers }, { searchParams: query, pathname }, clock] = [request, url, this.#clock];
    const target = this.#target(pathname);
    if (!target) return method === 'GET' ? this.#general(pathname, headers.accept ?? '') : text(404, '404 page not found\n');
    const [{ kind, namespace, name, subresource }, { store }] = [target, this.writes];
    const isScale = subresource === 'scale' && kind.hasScale;
    if (subresource === 'status' && !kind.hasStatus) throw refusal('noResource');
    if (subresource !== '' && subresource !== 'status' && !isScale) throw notImplemented(`${kind.resource}/${subresource}`);
    const [isTable, isPartial] = ['as=Table', 'as=Partial'].map((as) => headers.accept?.includes(as) === true);
    const table = (items: readonly Stored[], metadata: Doc): Doc =>
      tableFor(kind, items, metadata, query.get('includeObject'), clock.now());
    const plain = (object: Stored): Doc => (isScale ? scaleOf(object) : isPartial ? partial(object) : object);
    const shaped = (object: Stored): Doc =>
      isTable ? table([object], { resourceVersion: object.metadata.resourceVersion }) : plain(object);
    const isWatch = ['true', '1'].includes(query.get('watch') ?? '');
    if (method === 'GET' && isWatch) return watch({ ...target, store, clock }, query, shaped, response) as undefined;
    if (method === 'GET' && name !== '') return { code: 200, body: shaped(this.writes.get(kind, namespace, name)) };
    const page = method === 'GET' ? this.#pages.read(store, kind, namespace, query) : undefined;
    if (page) return { code: 200, body: isTable ? table(page.items, page.metadata) : listOf(kind, page, isPartial === true) };
    const verb = verbOf(method, headers['content-type'] ?? '');
    const isAll = verb === 'delete' && name === '' && !(kind.builtIn && kind.kind === 'Namespace');
    if ((verb !== 'create' && !isAll) === (name === '') || (kind.namespaced && namespace === '')) throw refusal('noMethod');
    const body = await bodyOf(request);
    if (verb === 'delete') return this.#delete(target, deleteOptions(body, query), query);
    if (verb === 'json' ? !isList(body) : !isDoc(body)) throw badRequest('the body is not a document of that type');
    if (isScale && verb !== 'merge' && verb !== 'update') throw notImplemented(`${verb} of a scale`);
    const write = writeRequest(request, target, query, response);
    // A scale without a number is one of zero; a patch without one leaves it.
    const replicas = at(body, 'spec', 'replicas') ?? (verb === 'update' ? 0 : undefined);
    const scaled = { metadata: docAt(body, 'metadata'), spec: replicas === undefined ? {} : { replicas } };
    const scale = (): ReturnType<Writes['write']> => this.writes.write('merge', { ...write, subresource: '' }, scaled);
    const { object, created } = isScale ? scale() : this.writes.write(verb, write, body);
    return { code: created ? 201 : 200, body: shaped(object) };
  }

  /** Reads a path; undefined: it names no resource. Throws ApiError for a group of Kubernetes' own that has no such resource. */
  #target(path: string): Target | undefined {
    const [, root, ...parts] = path.split('/').map(decodeURIComponent);
    const [group = '', versionName = '', ...rest] = root === 'api' ? ['', ...parts] : parts;
    if ((root !== 'api' && root !== 'apis') || rest.length === 0) return undefined;
    const isScoped = rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2] ?? '');
    const [namespace = '', [resource = '', name = '', subresource = '']] = isScoped ? [rest[1], rest.slice(2)] : ['', rest];
    const kind = this.writes.kinds.find(group, versionName, resource);
    if (kind && (kind.namespaced || namespace === '')) return { kind, namespace, name, subresource };
    if (/^auth(entic|oriz)ation\.k8s\.io$/.test(group)) throw notImplemented(`${resource}: whoever is let in may do everything`);
    if (this.writes.kinds.all().some((one) => one.builtIn && one.group === group)) throw refusal('noResource');
    return undefined;
  }

  #general(pathname: string, accept: string): Answer {
    const [path, isAggregated, { kinds }] = [pathname.replace(/\/$/, ''), accept.includes('as=APIGroupDiscoveryList'), this.writes];
    if (/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return text(200, 'ok');
    if (path === '/version') return { code: 200, body: version };
    if (path === '/openapi/v2') throw notImplemented('OpenAPI v2, which client-side apply asks for: use --server-side');
    const [, openApiPath] = /^\/openapi\/v3(.*)$/.exec(path) ?? [];
    const body = openApiPath === undefined ? discovery(kinds, path, isAggregated) : openApi(kinds, openApiPath);
    const type =
      isAggregated && /^\/apis?$/.test(path) ? 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' : undefined;
    return body ? { code: 200, body, ...(type ? { type } : {}) } : text(404, '404 page not found\n');
  }

  #delete({ kind, namespace, name, subresource }: Target, options: DeleteOptions, query: URLSearchParams): Answer {
    if (subresource !== '') throw refusal('noMethod');
    if (name === '') {
      const page = this.#pages.read(this.writes.store, kind, namespace, query);
      for (const { metadata } of page.items) this.writes.delete(kind, metadata.namespace ?? '', metadata.name, options);
      return { code: 200, body: listOf(kind, page, false) };
    }
    const { uid } = this.writes.get(kind, namespace, name).metadata;
    const details = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.resource, uid };
    const done = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details };
    return { code: 200, body: this.writes.delete(kind, namespace, name, options) ?? done };
  }
}

/** The scale of a workload, as an object of its own: what `kubectl scale` reads. */
function scaleOf(object: Stored): Doc {
  const { labels: _, annotations: __, managedFields: ___, generation: ____, ...metadata } = object.metadata;
  const labels = Object.entries(docAt(object, 'spec', 'selector', 'matchLabels')).map((pair) => pair.join('='));
  const status = { replicas: at(object, 'status', 'replicas') ?? 0, selector: labels.sort().join() };
  return { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata, spec: { replicas: at(object, 'spec', 'replicas') || undefined }, status };
}

const verbs: Readonly<Record<string, Verb | 'delete'>> = {
  POST: 'create',
  PUT: 'update',
  DELETE: 'delete',
  'PATCH application/merge-patch+json': 'merge',
  'PATCH application/json-patch+json': 'json',
  'PATCH application/apply-patch+yaml': 'apply',
};

/** Throws ApiError for methods and documents that there are not. */
function verbOf(method: string, contentType: string): Verb | 'delete' {
  const [type = ''] = contentType.split(';');
  const verb = verbs[method === 'PATCH' ? `PATCH ${type}` : method];
  if (type === 'application/strategic-merge-patch+json') throw notImplemented('strategic merge patches: use --type merge or json');
  if (/yaml$|protobuf$/.test(type) && verb !== 'apply') throw notImplemented(`bodies of ${type}: send JSON`);
  if (!verb && method !== 'PATCH') throw refusal('noMethod');
  if (!verb || (method !== 'PATCH' && !['application/json', '*/*', ''].includes(type))) throw refusal('mediaType');
  return verb;
}

function writeRequest(
  { headers, method = '' }: IncomingMessage,
  target: Target,
  query: URLSearchParams,
  response: ServerResponse,
): WriteRequest {
  const isApply = headers['content-type']?.startsWith('application/apply-patch') === true;
  const refuse = (field: string, reason: string, message: string): never => {
    const kind = `${{ POST: 'Create', PUT: 'Update' }[method] ?? 'Patch'}Options`;
    throw invalid({ group: 'meta.k8s.io', kind }, '', [{ reason: `FieldValue${reason}`, message, field }]);
  };
  const [dryRun, manager] = [query.get('dryRun') ?? '', query.get('fieldManager') ?? ''];
  if (!['', 'All'].includes(dryRun)) refuse('dryRun', 'NotSupported', `Unsupported value: ["${dryRun}"]: supported values: "All"`);
  if (isApply && manager === '') refuse('fieldManager', 'Required', 'Required value: is required for apply patch');
  if (!isApply && query.has('force')) refuse('force', 'Forbidden', 'Forbidden: may not be specified for non-apply patch');
  const warnings: string[] = [];
  return {
    ...target,
    dryRun: dryRun !== '',
    force: query.get('force') === 'true',
    validation: query.get('fieldValidation') || 'Warn',
    // As the real one: without a name of its own, the client's program.
    manager: manager || headers['user-agent']?.split('/')[0] || 'unknown',
    warn: (message) => {
      warnings.push(`299 - ${JSON.stringify(message)}`);
      response.setHeader('warning', warnings);
    },
  };
}

/** The JSON of a body, undefined when there is none. Throws ApiError. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    // Read to its end all the same: who leaves in the midst of it cuts the connection, and nobody hears why.
    if ((bytes += part.byteLength) <= bodyMaxBytes) parts.push(part);
  }
  if (bytes > bodyMaxBytes) throw refusal('tooLarge');
  const body = bytes === 0 ? undefined : parsed(Buffer.concat(parts).toString());
  if (isDeeper(body, levelsMax)) throw badRequest(`the body is nested deeper than ${levelsMax} levels`);
  if (isList(body) && body.length > operationsMax)
    throw new ApiError(
      413,
      'RequestEntityTooLarge',
      `The allowed maximum operations in a JSON patch is ${operationsMax}, got ${body.length}`,
    );
  return body;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw badRequest('the body is not JSON: the sandbox reads no YAML, and kubectl sends none');
  }
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' && value !== null && (levels === 0 || Object.values(value).some((inner) => isDeeper(inner, levels - 1)));
