import { KubeError, subject, type Asked } from './errors.ts';
import { apiVersionOf } from './paths.ts';
import { groupOf, type KindInfo, type KubeObject } from './port.ts';

// Answers become values here, once, and are checked to be about what was asked: a proxy's or another object's answer is none.

const record = (value: unknown): Record<string, unknown> | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;

/** The object in an answer; throws BAD_RESPONSE unless it is of that kind and has that name and namespace. */
export function objectOf(value: unknown, asked: Asked & { kind: KindInfo }): KubeObject {
  const object = record(value);
  const metadata = record(object?.['metadata']);
  const { kind, name, namespace } = asked;
  const fits =
    object?.['kind'] === kind.kind &&
    groupOf(String(object['apiVersion'])) === kind.group &&
    metadata !== undefined &&
    typeof metadata['name'] === 'string' &&
    (name === undefined || metadata['name'] === name) &&
    (!kind.namespaced || !namespace || metadata['namespace'] === namespace);
  if (fits) return object as unknown as KubeObject;
  throw new KubeError('BAD_RESPONSE', `${subject(asked)}: the answer is not that object`);
}

export interface RawPage {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly continueToken: string;
}

/** One page of a list. Throws BAD_RESPONSE: a list without items or version is a broken answer, never an empty list. */
export function pageOf(value: Record<string, unknown>, asked: Asked & { kind: KindInfo }): RawPage {
  const metadata = record(value['metadata']);
  const items = value['items'];
  const version = metadata?.['resourceVersion'];
  // Go writes a list of nothing as null.
  const isPartial = value['kind'] === 'PartialObjectMetadataList';
  const isList = (isPartial || value['kind'] === `${asked.kind.kind}List`) && 'items' in value && (items === null || Array.isArray(items));
  if (!isList || typeof version !== 'string' || version === '')
    throw new KubeError('BAD_RESPONSE', `${subject(asked)}: the answer is no ${asked.kind.kind}List`);
  // Lists of built-in kinds name kind and version once, not at each item.
  const header = { apiVersion: apiVersionOf(asked.kind), kind: asked.kind.kind };
  return {
    items: ((items ?? []) as unknown[]).map((item) =>
      objectOf(isPartial ? { ...record(item), ...header } : { ...header, ...record(item) }, asked),
    ),
    resourceVersion: version,
    continueToken: typeof metadata?.['continue'] === 'string' ? metadata['continue'] : '',
  };
}
