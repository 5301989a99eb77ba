import type { Path, Position } from './problems.ts';
import type { AppSpec, ClusterSpec, EnvironmentSpec, TenantSpec } from './schema.ts';

export const kinds = ['Tenant', 'Environment', 'App', 'Cluster'] as const;
export type Kind = (typeof kinds)[number];

/** Where a resource was written, so that a problem found later still has its line. */
export interface Origin {
  readonly file: string;
  /** Of a field of the resource, or of the nearest thing around it that is there. */
  readonly locate: (path: Path) => Position;
}

interface Of<K extends Kind, Metadata, Spec> {
  readonly kind: K;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly origin: Origin;
  /** The version that it was read at, when the document has one: what is there now must still be it. */
  readonly version?: string;
}
interface Own {
  readonly name: string;
}
interface OfTenant extends Own {
  readonly tenant: string;
}

export type TenantResource = Of<'Tenant', Own, TenantSpec>;
export type EnvironmentResource = Of<'Environment', OfTenant, EnvironmentSpec>;
export type AppResource = Of<'App', OfTenant, AppSpec>;
export type ClusterResource = Of<'Cluster', Own, ClusterSpec>;
export type Resource = TenantResource | EnvironmentResource | AppResource | ClusterResource;

/** What a document names, whatever it says of it. */
export interface Reference {
  readonly kind: Kind;
  readonly metadata: { readonly tenant?: string; readonly name: string };
  readonly origin: Origin;
}

/** Kind/name, Kind/tenant/name: as the audit log writes it. */
export const subjectOf = ({ kind, metadata }: { kind: string; metadata: { readonly tenant?: string; readonly name: string } }): string =>
  metadata.tenant !== undefined ? `${kind}/${metadata.tenant}/${metadata.name}` : `${kind}/${metadata.name}`;
