/** A Kubernetes object as it travels: sent and kept as it is, so that fields nobody here knows survive. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly resourceVersion?: string;
    readonly generation?: number;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
  readonly [field: string]: unknown;
}

/** What names an object for ever, whatever API version it is read through. `namespace` is '' for cluster-scoped objects, `group` '' for core. */
export interface ObjectRef {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** One kind that the API server serves, at its preferred version. */
export interface KindInfo {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  /** The path's word: "deployments". */
  readonly resource: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

/** What the API server serves. `complete` is false when any group failed: then nothing may be concluded from a kind's absence. */
export interface Discovery {
  readonly kinds: readonly KindInfo[];
  readonly complete: boolean;
  readonly failedGroups: readonly string[];
}

export interface WriteOptions {
  /** Impersonated user, e.g. system:serviceaccount:wheelhouse-tenants:shop; absent: the spoke's own account. */
  readonly as?: string;
  readonly dryRun?: boolean;
}

export type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: KubeObject }
  /** The watch is alive and has seen everything up to this version. */
  | { readonly type: 'BOOKMARK'; readonly resourceVersion: string }
  /** List again: the version is gone (410), or the stream broke. What is known stays known until the list answered. */
  | { readonly type: 'RESYNC'; readonly reason: string };

export interface ListPage {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
}

/**
 * The spoke's view of its API server. Every method rejects with KubeError (closed codes; NOT_FOUND is only ever the API server's own 404 Status for the
 * object, never a proxy's page, a closed connection or an empty body).
 */
export interface KubeClient {
  /** GET /version: the cheapest proof that the API server answers. */
  version(signal: AbortSignal): Promise<string>;
  discover(signal: AbortSignal): Promise<Discovery>;
  /** undefined: the API server said that this object does not exist. */
  get(kind: KindInfo, namespace: string, name: string, signal: AbortSignal): Promise<KubeObject | undefined>;
  /** Complete (all pages of one version) or it rejects. `namespace` '' lists all. */
  list(
    kind: KindInfo,
    options: { namespace?: string; labelSelector?: string; fieldSelector?: string },
    signal: AbortSignal,
  ): Promise<ListPage>;
  /** From `resourceVersion`, with bookmarks, reconnecting by itself; ends only with the signal. */
  watch(
    kind: KindInfo,
    options: { namespace?: string; labelSelector?: string; fieldSelector?: string; resourceVersion: string },
    signal: AbortSignal,
  ): AsyncIterable<WatchEvent>;
  /** Server-side apply with field manager `wheelhouse`; `force` takes fields over from other managers. The document is sent as it is. */
  apply(kind: KindInfo, object: KubeObject, options: WriteOptions & { force?: boolean }, signal: AbortSignal): Promise<KubeObject>;
  create(kind: KindInfo, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject>;
  /** PUT; the object carries the resourceVersion that it replaces. */
  update(kind: KindInfo, object: KubeObject, options: WriteOptions, signal: AbortSignal): Promise<KubeObject>;
  /** Deletes that very object: preconditions are not optional. Resolves when the API server accepted it (finalizers may keep it). */
  delete(
    kind: KindInfo,
    ref: ObjectRef,
    options: WriteOptions & { uid: string; resourceVersion?: string; propagation?: 'Background' | 'Foreground' | 'Orphan' },
    signal: AbortSignal,
  ): Promise<void>;
}

/** group/kind/namespace/name: the form of the annotation `wheelhouse.dev/object`, of inventories and of reports. */
export const refText = (ref: ObjectRef): string => `${ref.group}/${ref.kind}/${ref.namespace}/${ref.name}`;

export const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : '');

export const refOf = (object: KubeObject): ObjectRef => ({
  group: groupOf(object.apiVersion),
  kind: object.kind,
  namespace: object.metadata.namespace ?? '',
  name: object.metadata.name,
});

export type KubeCode =
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'ALREADY_EXISTS'
  | 'FORBIDDEN'
  | 'UNAUTHORIZED'
  | 'INVALID'
  | 'GONE'
  | 'TOO_MANY_REQUESTS'
  | 'SERVER_UNAVAILABLE'
  | 'BAD_RESPONSE'
  | 'TOO_LARGE'
  | 'NO_SUCH_KIND'
  | 'CONFIG';
