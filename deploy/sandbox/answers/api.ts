import type { IncomingMessage, ServerResponse } from 'node:http';
import { ApiError, badRequest, invalid, noSuchResource, notFound, notImplemented } from '../errors.ts';
import { apiVersionOf, type Kind } from '../objects/kinds.ts';
import { fieldSelector, labelSelector, type Selects } from '../objects/selectors.ts';
import type { PatchType, WriteRequest, Writes } from '../objects/writes.ts';
import { docAt, isDoc, isList, textAt, type Doc, type Stored } from '../values.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { discovery, openApi } from './discovery.ts';
import { checkOptions, pageOf, wrongVersion, type Page } from './lists.ts';
import { tableOf as tableDoc } from './tables.ts';
import { beginWatch } from './watches.ts';

const bodyMaxBytes = 3 * 1024 * 1024;
export const version = { major: '1', minor: '36', gitVersion: 'v1.36.3', gitTreeState: 'sandbox', platform: 'sandbox' };

/** What a path is about. */
export interface Target {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

export interface Answer {
  readonly code: number;
  readonly body: unknown;
  readonly type?: string;
}

interface Form {
  readonly as: 'object' | 'table' | 'metadata';
}

/** The API of one cluster: a request in, an answer out, or a stream of them. */
export class Api {
  readonly writes: Writes;
  readonly #clock: Clock;
  readonly #address: () => string;

  constructor(writes: Writes, clock: Clock, address: () => string) {
    [this.writes, this.#clock, this.#address] = [writes, clock, address];
  }

  /** Throws ApiError. Undefined: the answer is a watch, which goes its own way. */
  async answer(request: IncomingMessage, url: URL, target: Target | undefined, response: ServerResponse): Promise<Answer | undefined> {
    const { method = 'GET' } = request;
    if (!target) {
      const answer = this.#general(url, request.headers.accept ?? '');
      if (method !== 'GET' && answer !== notFoundText) throw methodNotAllowed();
      return answer;
    }
    const { subresource, kind } = target;
    if (subresource !== '' && (subresource !== 'status' || !kind.hasStatus)) {
      if (subresource === 'status' && !kind.builtIn) throw notFound(kind, target.name);
      if (subresource === 'status') throw noSuchResource();
      throw notImplemented(`${kind.resource}/${subresource}`);
    }
    if (target.name === '') return await this.#collection(request, url, target, response);
    return await this.#object(request, url, target, response);
  }

  /** Reads a path; undefined: it names no resource. Throws ApiError for a group that has no such resource. */
  target(path: string): Target | undefined {
    const parts = path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    const [group = '', versionName = '', ...rest] = parts[0] === 'api' ? ['', ...parts.slice(1)] : parts.slice(1);
    if ((parts[0] !== 'api' && parts[0] !== 'apis') || rest.length === 0) return undefined;
    const { kinds } = this.writes;
    const isScoped = rest[0] === 'namespaces' && rest.length > 2 && !(rest.length === 3 && ['status', 'finalize'].includes(rest[2] ?? ''));
    const [namespace, [resource = '', name = '', subresource = '']] = isScoped ? [rest[1] ?? '', rest.slice(2)] : ['', rest];
    const kind = kinds.find(group, versionName, resource);
    if (kind && (kind.namespaced || namespace === '')) return { kind, namespace, name, subresource };
    if (kinds.isOwn(group)) throw noSuchResource();
    return undefined;
  }

  #general({ pathname }: URL, accept: string): Answer {
    if (['/healthz', '/livez', '/readyz'].some((path) => pathname === path || pathname.startsWith(`${path}/`)))
      return { code: 200, body: 'ok', type: 'text/plain; charset=utf-8' };
    const { kinds } = this.writes;
    if (pathname === '/version') return { code: 200, body: version };
    if (pathname === '/openapi/v2') throw notImplemented('OpenAPI v2, which client-side apply asks for: use --server-side');
    if (pathname === '/openapi/v3' || pathname.startsWith('/openapi/v3/')) {
      const body = openApi(this.writes.kinds, pathname.slice('/openapi/v3'.length));
      return body ? { code: 200, body, ...(pathname === '/openapi/v3' ? { type: 'text/plain; charset=utf-8' } : {}) } : notFoundText;
    }
    const wants = /g=apidiscovery\.k8s\.io;v=(v2\w*);as=APIGroupDiscoveryList/.exec(accept.replaceAll(' ', ''))?.[1];
    const isRoot = pathname === '/api' || pathname === '/apis';
    const path = pathname.replace(/\/$/, '');
    const body = /^\/apis?(\/|$)/.test(path) ? discovery(this.writes.kinds, path, wants !== undefined, this.#address()) : undefined;
    if (!body && /^\/apis?\/[^/]/.test(path) && kinds.isOwn(path.startsWith('/api/') ? '' : (path.split('/')[2] ?? '')))
      throw noSuchResource();
    if (!body) return notFoundText;
    return {
      code: 200,
      body,
      ...(isRoot && wants !== undefined ? { type: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList' } : {}),
    };
  }

  async #collection(request: IncomingMessage, url: URL, target: Target, response: ServerResponse): Promise<Answer | undefined> {
    const { kind, namespace } = target;
    const { searchParams: query } = url;
    if (request.method === 'GET') {
      const form = formOf(request);
      if (isTrue(query.get('watch'))) return this.#watch(request, target, query, response);
      const page = pageOf(this.writes.store, kind, namespace, selectsOf(kind, query, ''), query);
      return { code: 200, body: listDoc(kind, form, page, query, this.#clock.now()) };
    }
    if (request.method === 'POST') {
      if (kind.namespaced && namespace === '') throw methodNotAllowed();
      const write = writeRequest(request, target, query, response, 'CreateOptions');
      return {
        code: 201,
        body: shaped(this.writes.create(write, await documentOf(request, kind)), kind, formOf(request), query, this.#clock.now()),
      };
    }
    if (request.method !== 'DELETE' || (kind.namespaced && namespace === '')) throw methodNotAllowed();
    const options = await deleteOptions(request, query);
    const page = pageOf(this.writes.store, kind, namespace, selectsOf(kind, query, ''), new URLSearchParams());
    for (const { metadata } of page.items) this.writes.delete(kind, namespace, metadata.name, { ...options, uid: undefined });
    return {
      code: 200,
      body: listDoc(
        kind,
        formOf(request),
        { ...page, metadata: { resourceVersion: String(this.writes.store.version) } },
        query,
        this.#clock.now(),
      ),
    };
  }

  async #object(request: IncomingMessage, url: URL, target: Target, response: ServerResponse): Promise<Answer | undefined> {
    const { kind, namespace, name } = target;
    const { searchParams: query } = url;
    const form = formOf(request);
    const said = (object: Stored, code = 200): Answer => ({ code, body: shaped(object, kind, form, query, this.#clock.now()) });
    switch (request.method ?? 'GET') {
      case 'GET':
        if (isTrue(query.get('watch'))) return this.#watch(request, target, query, response);
        return said(this.writes.get(kind, namespace, name));
      case 'PUT':
        return said(this.writes.update(writeRequest(request, target, query, response, 'UpdateOptions'), await documentOf(request, kind)));
      case 'PATCH':
        return await this.#patch(request, target, query, response, said);
      case 'DELETE': {
        if (target.subresource !== '') throw methodNotAllowed();
        const options = await deleteOptions(request, query);
        const { uid } = this.writes.get(kind, namespace, name).metadata;
        const left = this.writes.delete(kind, namespace, name, options);
        const details = { name, ...(kind.group === '' ? {} : { group: kind.group }), kind: kind.resource, uid };
        return left ? said(left) : { code: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details } };
      }
      default:
        throw methodNotAllowed();
    }
  }

  async #patch(
    request: IncomingMessage,
    target: Target,
    query: URLSearchParams,
    response: ServerResponse,
    said: (object: Stored, code?: number) => Answer,
  ): Promise<Answer> {
    const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    const write = writeRequest(request, target, query, response, 'PatchOptions');
    const patchType = patchTypes[type];
    if (type === 'application/apply-patch+yaml') {
      if (!query.get('fieldManager'))
        throw invalid(options('PatchOptions'), '', [
          { reason: 'FieldValueRequired', message: 'Required value: is required for apply patch', field: 'fieldManager' },
        ]);
      const body = await bodyOf(request);
      if (!isDoc(body)) throw notImplemented('YAML in a server-side apply: send JSON');
      const { object, created } = this.writes.apply(write, body);
      return said(object, created ? 201 : 200);
    }
    if (!patchType) throw new ApiError(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
    if (patchType === 'strategic' && !target.kind.builtIn)
      throw unknownFormat('application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml');
    const body = await bodyOf(request);
    if (body === undefined || (patchType === 'json' ? !isList(body) : !isDoc(body)))
      throw badRequest('error decoding patch: the patch is not JSON of that type');
    return said(this.writes.patch(write, patchType, body));
  }

  #watch(request: IncomingMessage, target: Target, query: URLSearchParams, response: ServerResponse): undefined {
    const { kind, namespace, name } = target;
    const form = formOf(request);
    const waiting: string[] = [];
    let hasColumns = false;
    const send = (event: Doc): void => {
      const object = event['object'] as Stored;
      const isObject = event['type'] !== 'ERROR' && event['type'] !== 'BOOKMARK';
      const body =
        isObject || (form.as === 'table' && event['type'] === 'BOOKMARK')
          ? shaped(object, kind, form, query, this.#clock.now(), hasColumns)
          : object;
      if (form.as === 'table' && isObject) hasColumns = true;
      const line = `${JSON.stringify({ type: event['type'], object: body })}\n`;
      if (!response.headersSent) waiting.push(line);
      else if (response.writableLength > watchBytesMax) response.destroy();
      else response.write(line);
    };
    const { kinds, store } = this.writes;
    const from = query.get('resourceVersion') ?? '';
    if (!/^\d*$/.test(from)) throw new ApiError(500, '', wrongVersion(from));
    checkOptions(query, true);
    const parts = { store, clock: this.#clock, kind, namespace, selects: selectsOf(kind, query, name), query, send };
    let isEnded = false;
    const stop = beginWatch({
      ...parts,
      end: () => {
        isEnded = true;
        if (response.headersSent) response.end();
      },
      isServed: () => kinds.find(kind.group, kind.version, kind.resource) !== undefined,
    });
    response.on('close', stop);
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
    response.flushHeaders();
    if (waiting.length > 0) response.write(waiting.join(''));
    if (isEnded) response.end();
    return undefined;
  }
}

/** A watcher that does not read is cut off; it reads everything anew. */
const watchBytesMax = 16 * 1024 * 1024;
const notFoundText: Answer = { code: 404, body: '404 page not found\n', type: 'text/plain; charset=utf-8' };
const patchTypes: Readonly<Record<string, PatchType>> = {
  'application/merge-patch+json': 'merge',
  'application/json-patch+json': 'json',
  'application/strategic-merge-patch+json': 'strategic',
};
const isTrue = (text: string | null): boolean => text === 'true' || text === '1';
const unknownFormat = (accepted: string): ApiError =>
  new ApiError(415, 'UnsupportedMediaType', `the body of the request was in an unknown format - accepted media types include: ${accepted}`);
const methodNotAllowed = (): ApiError =>
  new ApiError(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource', {});
const options = (kind: string): { group: string; kind: string } => ({ group: 'meta.k8s.io', kind });

/** How the client wants to read it. Throws ApiError when there is no such way. */
function formOf(request: IncomingMessage): Form {
  const accept = (request.headers.accept ?? '*/*').replaceAll(' ', '');
  for (const one of accept.split(',')) {
    const [type = '', ...parameters] = one.split(';');
    if (!['application/json', '*/*', 'application/*'].includes(type)) continue;
    const as = parameters.find((parameter) => parameter.startsWith('as='))?.slice(3);
    if (as === undefined) return { as: 'object' };
    if (as === 'Table') return { as: 'table' };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { as: 'metadata' };
  }
  throw new ApiError(
    406,
    'NotAcceptable',
    '406: Not Acceptable\n\nAvailable representations: application/json, application/yaml, application/vnd.kubernetes.protobuf',
    {},
  );
}

const partial = ({ metadata }: Stored): Doc => ({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata });

function shaped(object: Stored, kind: Kind, { as }: Form, query: URLSearchParams, now: number, hasColumns = false): Doc {
  if (as === 'metadata') return partial(object);
  return as === 'table'
    ? tableDoc(
        kind,
        [object],
        { resourceVersion: object.metadata.resourceVersion },
        query.get('includeObject') ?? 'Metadata',
        hasColumns,
        now,
      )
    : object;
}

function listDoc(kind: Kind, { as }: Form, { items, metadata }: Page, query: URLSearchParams, now: number): Doc {
  if (as === 'table') return tableDoc(kind, items, metadata, query.get('includeObject') ?? 'Metadata', false, now);
  if (as === 'metadata') return { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', metadata, items: items.map(partial) };
  // Items of built-in lists do not say what they are.
  const plain = ({ kind: _kind, apiVersion: _version, ...rest }: Stored): Doc => rest;
  return {
    kind: kind.listKind,
    apiVersion: apiVersionOf(kind),
    metadata: kind.builtIn ? metadata : { continue: '', ...metadata },
    items: kind.builtIn ? items.map(plain) : items,
  };
}

function selectsOf(kind: Kind, query: URLSearchParams, name: string): Selects | undefined {
  const [labels, fields] = [query.get('labelSelector') ?? '', query.get('fieldSelector') ?? ''];
  const rules: Selects[] = [];
  if (labels !== '') rules.push(labelSelector(labels));
  if (fields !== '') rules.push(fieldSelector(fields, kind.builtIn ? kind.kind : '', kind.selectable));
  if (name !== '') rules.push(({ metadata }) => metadata.name === name);
  return rules.length === 0 ? undefined : (object) => rules.every((rule) => rule(object));
}

function writeRequest(
  request: IncomingMessage,
  target: Target,
  query: URLSearchParams,
  response: ServerResponse,
  kind: string,
): WriteRequest {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All'))
    throw invalid(options(kind), '', [
      {
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`,
        field: 'dryRun',
      },
    ]);
  const validation = query.get('fieldValidation') || 'Warn';
  if (!['Ignore', 'Warn', 'Strict'].includes(validation))
    throw invalid(options(kind), '', [
      {
        reason: 'FieldValueNotSupported',
        message: `Unsupported value: ${JSON.stringify(validation)}: supported values: "", "Ignore", "Strict", "Warn"`,
        field: 'fieldValidation',
      },
    ]);
  const isApply = (request.headers['content-type'] ?? '').startsWith('application/apply-patch');
  if (query.get('force') !== null && request.method === 'PATCH' && !isApply)
    throw invalid(options(kind), '', [
      { reason: 'FieldValueForbidden', message: 'Forbidden: may not be specified for non-apply patch', field: 'force' },
    ]);
  if ((query.get('fieldManager') ?? '').length > 128)
    throw invalid(options(kind), '', [
      { reason: 'FieldValueTooLong', message: 'Too long: may not be more than 128 bytes', field: 'fieldManager' },
    ]);
  const warnings: string[] = [];
  return {
    kind: target.kind,
    namespace: target.namespace,
    name: target.name,
    subresource: target.subresource as '' | 'status',
    dryRun: dryRun.length > 0,
    force: isTrue(query.get('force')),
    validation: validation as 'Warn',
    // As the real one: without a name of its own, the client's program.
    manager: query.get('fieldManager') || (request.headers['user-agent'] ?? 'unknown').split('/')[0] || 'unknown',
    warn: (message) => {
      warnings.push(`299 - ${JSON.stringify(message)}`);
      response.setHeader('warning', warnings);
    },
  };
}

async function deleteOptions(request: IncomingMessage, query: URLSearchParams) {
  const read = await bodyOf(request, (_text, why) => badRequest(why));
  const body = isDoc(read) ? read : {};
  const grace = body['gracePeriodSeconds'] ?? query.get('gracePeriodSeconds');
  if (read !== undefined && textAt(body, 'kind') !== '' && textAt(body, 'kind') !== 'DeleteOptions')
    throw badRequest('the body is no DeleteOptions');
  const orphan = body['orphanDependents'] === true || query.get('orphanDependents') === 'true' ? 'Orphan' : undefined;
  const propagation = textAt(body, 'propagationPolicy') || query.get('propagationPolicy') || undefined;
  const refused = (reason: string, message: string): ApiError =>
    invalid(options('DeleteOptions'), '', [{ reason, message, field: 'propagationPolicy' }]);
  const said = JSON.stringify(propagation);
  if (propagation !== undefined && !['Foreground', 'Background', 'Orphan'].includes(propagation))
    throw refused('FieldValueNotSupported', `Unsupported value: ${said}: supported values: "Foreground", "Background", "Orphan", "nil"`);
  if (propagation !== undefined && orphan !== undefined)
    throw refused('FieldValueInvalid', `Invalid value: ${said}: orphanDependents and deletionPropagation cannot be both set`);
  const [uid, resourceVersion] = [docAt(body, 'preconditions')['uid'], docAt(body, 'preconditions')['resourceVersion']];
  return {
    uid: uid as string | undefined,
    resourceVersion: resourceVersion as string | undefined,
    propagation: propagation ?? orphan,
    graceSeconds: grace === null || grace === undefined ? undefined : Number(grace),
    dryRun: isList(body['dryRun']) ? body['dryRun'].includes('All') : query.get('dryRun') === 'All',
  };
}

const unrecognized = (kind: Kind, text: string): string =>
  `the object provided is unrecognized (must be of type ${kind.kind}): Object 'Kind' is missing in '${text}' (${text})`;

async function documentOf(request: IncomingMessage, kind: Kind): Promise<Doc> {
  const type = (request.headers['content-type'] ?? 'application/json').split(';')[0]?.trim();
  if (type !== 'application/json' && type !== '*/*')
    throw unknownFormat('application/json, application/yaml, application/vnd.kubernetes.protobuf');
  const body = await bodyOf(request, (text, why) =>
    badRequest(
      `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: ${why} (${text})`,
    ),
  );
  if (isDoc(body) && (kind.builtIn || body['kind'] !== undefined)) return body;
  if (isDoc(body)) throw badRequest(unrecognized(kind, JSON.stringify(body)));
  throw badRequest('the body is not a JSON object');
}

/** The JSON of a body, undefined when there is none or it is something else. */
async function bodyOf(request: IncomingMessage, refused?: (text: string, why: string) => ApiError): Promise<unknown> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.byteLength;
    if (bytes > bodyMaxBytes) throw new ApiError(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${bodyMaxBytes}`, {});
    parts.push(part);
  }
  const text = Buffer.concat(parts).toString('utf8');
  try {
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  } catch (error) {
    if (refused)
      throw refused(
        text.slice(0, 100),
        error instanceof Error && /end of/i.test(error.message) ? 'unexpected end of JSON input' : 'invalid character',
      );
    return undefined;
  }
}
