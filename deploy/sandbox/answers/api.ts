import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '#shared/clock/mod.ts';
import { ApiError, badRequest, invalid, noSuchResource, notImplemented } from '../errors.ts';
import type { Kind } from '../objects/kinds.ts';
import type { Verb, WriteRequest, Writes } from '../objects/writes.ts';
import { at, docAt, isDoc, isList, listAt, textAt, type Doc, type Stored } from '../values.ts';
import { discovery, openApi } from './discovery.ts';
import { listOf, Pages, partial } from './lists.ts';
import { tableFor } from './tables.ts';
import { watch } from './watches.ts';

const bodyMaxBytes = 3 * 1024 * 1024;
const version = { major: '1', minor: '36', gitVersion: 'v1.36.3', gitTreeState: 'sandbox', platform: 'sandbox' };

/** What a path is about. */
export interface Target extends Readonly<Record<'namespace' | 'name' | 'subresource', string>> {
  readonly kind: Kind;
}
export interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly type?: string;
}
const text = (code: number, body: string): Answer => ({ code, body, type: 'text/plain; charset=utf-8' });
const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});

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
    const [{ method = 'GET', headers }, { searchParams: query, pathname }] = [request, url];
    const target = this.#target(pathname);
    if (!target) return method === 'GET' ? this.#general(pathname, headers.accept ?? '') : text(404, '404 page not found\n');
    const { kind, namespace, name, subresource } = target;
    const isScale = subresource === 'scale' && kind.hasScale;
    if (subresource === 'status' && !kind.hasStatus) throw noSuchResource();
    if (subresource !== '' && subresource !== 'status' && !isScale) throw notImplemented(`${kind.resource}/${subresource}`);
    const { store } = this.writes;
    const [isTable = false, isPartial = false] = [/as=Table/, /as=Partial/].map((as) => as.test(headers.accept ?? ''));
    const table = (items: readonly Stored[], metadata: Doc): Doc =>
      tableFor(kind, items, metadata, query.get('includeObject') ?? 'Metadata', this.#clock.now());
    const plain = (object: Stored): Doc => (isScale ? scaleOf(object) : isPartial ? partial(object) : object);
    const shaped = (object: Stored): Doc =>
      isTable ? table([object], { resourceVersion: object.metadata.resourceVersion }) : plain(object);
    if (method === 'GET' && /^(true|1)$/.test(query.get('watch') ?? ''))
      return watch({ ...target, store, clock: this.#clock }, query, shaped, response) as undefined;
    if (method === 'GET' && name !== '') return { code: 200, body: shaped(this.writes.get(kind, namespace, name)) };
    const page = method === 'GET' ? this.#pages.read(store, kind, namespace, query) : undefined;
    if (page) return { code: 200, body: isTable ? table(page.items, page.metadata) : listOf(kind, page, isPartial) };
    const verb = verbOf(method, headers['content-type'] ?? '');
    if (verb === 'delete' && name === '') throw notImplemented('deletes of whole collections');
    if ((verb === 'create') !== (name === '') || (kind.namespaced && namespace === '')) throw methodNotAllowed();
    const body = await bodyOf(request);
    if (verb === 'delete') return this.#delete(target, docAt({ body }, 'body'), query);
    if (verb === 'json' ? !isList(body) : !isDoc(body)) throw badRequest('the body is not a document of that type');
    if (isScale && verb !== 'merge' && verb !== 'update') throw notImplemented(`${verb} of a scale`);
    const scaled = { metadata: docAt(body, 'metadata'), spec: { replicas: at(body, 'spec', 'replicas') ?? 0 } };
    const write = writeRequest(request, target, query, response);
    const { object, created } = this.writes.write(
      isScale ? 'merge' : verb,
      isScale ? { ...write, subresource: '' } : write,
      isScale ? scaled : body,
    );
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
    if (this.writes.kinds.all().some((one) => one.builtIn && one.group === group)) throw noSuchResource();
    return undefined;
  }

  #general(pathname: string, accept: string): Answer {
    if (/^\/(healthz|livez|readyz)(\/|$)/.test(pathname)) return text(200, 'ok');
    if (pathname === '/version') return { code: 200, body: version };
    if (pathname === '/openapi/v2') throw notImplemented('OpenAPI v2, which client-side apply asks for: use --server-side');
    const [path, isAggregated] = [pathname.replace(/\/$/, ''), /v=v2;as=APIGroupDiscoveryList/.test(accept)];
    const isOpenApi = path.startsWith('/openapi/v3');
    const body = isOpenApi
      ? openApi(this.writes.kinds, path.slice('/openapi/v3'.length))
      : /^\/apis?(\/|$)/.test(path)
        ? discovery(this.writes.kinds, path, isAggregated)
        : undefined;
    const type =
      isAggregated && /^\/apis?$/.test(path) ? { type: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } : {};
    return body ? { code: 200, body, ...type } : text(404, '404 page not found\n');
  }

  #delete({ kind, namespace, name, subresource }: Target, body: Doc, query: URLSearchParams): Answer {
    if (subresource !== '') throw methodNotAllowed();
    if (!['', 'DeleteOptions'].includes(textAt(body, 'kind'))) throw badRequest('the body is no DeleteOptions');
    const { uid } = this.writes.get(kind, namespace, name).metadata;
    const grace = body['gracePeriodSeconds'] ?? query.get('gracePeriodSeconds') ?? undefined;
    const propagation = textAt(body, 'propagationPolicy') || query.get('propagationPolicy') || undefined;
    const dryRun = listAt(body, 'dryRun').includes('All') || query.get('dryRun') === 'All';
    const options = { ...docAt(body, 'preconditions'), propagation, dryRun, graceSeconds: grace === undefined ? undefined : Number(grace) };
    const left = this.writes.delete(kind, namespace, name, options);
    const details = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.resource, uid };
    return { code: 200, body: left ?? { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
  }
}

/** The scale of a workload, as an object of its own: what `kubectl scale` reads. */
function scaleOf(object: Stored): Doc {
  const { labels: _, annotations: __, managedFields: ___, generation: ____, ...metadata } = object.metadata;
  const labels = Object.entries(docAt(object, 'spec', 'selector', 'matchLabels')).map(([key, value]) => `${key}=${String(value)}`);
  const status = { replicas: at(object, 'status', 'replicas') ?? 0, selector: labels.sort().join() };
  const replicas = at(object, 'spec', 'replicas') || undefined;
  return { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata, spec: { replicas }, status };
}

const patches: Readonly<Record<string, Verb>> = {
  'application/merge-patch+json': 'merge',
  'application/json-patch+json': 'json',
  'application/apply-patch+yaml': 'apply',
};

/** Throws ApiError for methods and documents that there are not. */
function verbOf(method: string, contentType: string): Verb | 'delete' {
  const [type = ''] = contentType.split(';');
  if (type === 'application/strategic-merge-patch+json') throw notImplemented('strategic merge patches: use --type merge or json');
  if (/yaml$|protobuf$/.test(type) && !patches[type]) throw notImplemented(`bodies of ${type}: send JSON`);
  const isPlain = ['application/json', '*/*', ''].includes(type);
  const verb =
    method === 'PATCH' ? patches[type] : isPlain ? ({ POST: 'create', PUT: 'update', DELETE: 'delete' } as const)[method] : undefined;
  if (!verb && method !== 'PATCH' && isPlain) throw methodNotAllowed();
  if (!verb) throw new ApiError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
  return verb;
}

function writeRequest(
  { headers, method }: IncomingMessage,
  target: Target,
  query: URLSearchParams,
  response: ServerResponse,
): WriteRequest {
  const isApply = headers['content-type']?.startsWith('application/apply-patch') === true;
  const refused = (field: string, reason: string, message: string): ApiError =>
    invalid({ group: 'meta.k8s.io', kind: `${{ POST: 'Create', PUT: 'Update' }[method ?? ''] ?? 'Patch'}Options` }, '', [
      { reason, message, field },
    ]);
  const dryRun = query.get('dryRun') ?? '';
  if (!['', 'All'].includes(dryRun))
    throw refused('dryRun', 'FieldValueNotSupported', `Unsupported value: ["${dryRun}"]: supported values: "All"`);
  if (isApply && !query.get('fieldManager'))
    throw refused('fieldManager', 'FieldValueRequired', 'Required value: is required for apply patch');
  if (!isApply && query.get('force') !== null)
    throw refused('force', 'FieldValueForbidden', 'Forbidden: may not be specified for non-apply patch');
  const warnings: string[] = [];
  const warn = (message: string): void => void response.setHeader('warning', (warnings.push(`299 - ${JSON.stringify(message)}`), warnings));
  // As the real one: without a name of its own, the client's program.
  const manager = query.get('fieldManager') || headers['user-agent']?.split('/')[0] || 'unknown';
  return {
    ...target,
    dryRun: dryRun !== '',
    force: query.get('force') === 'true',
    validation: query.get('fieldValidation') || 'Warn',
    manager,
    warn,
  };
}

/** The JSON of a body, undefined when there is none. Throws ApiError. */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    if ((bytes += part.byteLength) > bodyMaxBytes)
      throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${bodyMaxBytes}`, {});
    parts.push(part);
  }
  try {
    return bytes === 0 ? undefined : (JSON.parse(Buffer.concat(parts).toString()) as unknown);
  } catch {
    throw badRequest('the body is not JSON, the only form of documents here');
  }
}
