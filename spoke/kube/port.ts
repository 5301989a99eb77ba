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
  /** Complete (all pages of one version) or it rejects. `namespace` '' lists all; `metadataOnly` leaves out everything but each object's metadata. */
  list(
    kind: KindInfo,
    options: { namespace?: string; labelSelector?: string; fieldSelector?: string; metadataOnly?: boolean },
    signal: AbortSignal,
  ): Promise<ListPage>;
  /**
   * From `resourceVersion`, with bookmarks, reconnecting by itself from the last version seen. Ends quietly with the signal, or after a RESYNC: then list
   * and watch again from that list (`follow` does both). Never rejects: whatever stands in the way is said by the list that follows.
   */
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
  /** How the open watches fare: with an answered `version` it decides whether the spoke may call itself observing. */
  watchHealth(): WatchHealth;
}

export interface WatchHealth {
  /** Watches that are being followed now, connected or not. */
  readonly watches: number;
  /** Of the one that is furthest behind: milliseconds since its last event, bookmark or accepted connection; 0 without watches. */
  readonly quietestMs: number;
  /** `Kind.group` of those that are quieter than `watchQuietMaxMs`, one for each watch. */
  readonly quiet: readonly string[];
}

/**
 * A watch that is quiet for longer is not being followed: then nothing may be called observed. A watch that says nothing is reconnected well before, which is
 * progress if the API server accepts it; so only one that cannot be reconnected gets this old.
 */
export const watchQuietMaxMs = 130_000;

/** The field manager of everything that a spoke writes. */
export const fieldManager = 'wheelhouse';

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
  /** The API server said so of that very object. */
  | 'NOT_FOUND'
  /** The object's namespace does not exist: create it first. */
  | 'NO_SUCH_NAMESPACE'
  | 'CONFLICT'
  | 'ALREADY_EXISTS'
  | 'FORBIDDEN'
  | 'UNAUTHORIZED'
  | 'INVALID'
  | 'GONE'
  | 'TOO_MANY_REQUESTS'
  /** No answer, a time-out or a 5xx: nothing is known, neither about the object nor about whether a write happened. */
  | 'SERVER_UNAVAILABLE'
  /** An answer that is not the API server's: HTML, empty, truncated, another object. */
  | 'BAD_RESPONSE'
  | 'TOO_LARGE'
  /** The path is unknown: the kind is not served (any more, or at this version). Says nothing about objects. */
  | 'NO_SUCH_KIND'
  | 'CONFIG';
