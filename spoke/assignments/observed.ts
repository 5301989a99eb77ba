import { fieldsHashOf } from '../drift/mod.ts';
import type { KubeObject } from '../kube/mod.ts';

/** What is kept of a watched object: enough for health, ownership and drift, and nothing of what may be large or secret. */
export interface Observed {
  readonly object: KubeObject;
  /** Of the fields that are ours; the fields themselves are not kept. */
  readonly fieldsHash: string;
}

export const observed = (object: KubeObject): Observed => ({ object: slim(object), fieldsHash: fieldsHashOf(object) });

export function slim(object: KubeObject): KubeObject {
  const { data: _data, stringData: _text, binaryData: _binary, spec, metadata, ...rest } = object;
  const { template: _template, versions: _versions, containers: _containers, ...kept } = (spec ?? {}) as Record<string, unknown>;
  return { ...rest, metadata: withoutFields(metadata), ...(spec === undefined ? {} : { spec: kept }) };
}

/** Who manages it is kept, what each of them manages is not: of an object with little else, that is most of it. */
function withoutFields(metadata: KubeObject['metadata']): KubeObject['metadata'] {
  const { managedFields } = metadata;
  if (!Array.isArray(managedFields)) return metadata;
  const entries = managedFields as readonly { readonly fieldsV1?: unknown }[];
  return { ...metadata, managedFields: entries.map(({ fieldsV1: _fields, ...entry }) => entry) };
}
