import { labels } from '../../shared/kernel/mod.ts';
import { fieldManager, isKubeError, type KindInfo, type KubeClient, type KubeObject, type ObjectRef } from '../kube/mod.ts';
import { rankOf, type Deletion } from '../plan/mod.ts';
import { failureOf, type Failure } from './failures.ts';
import { inParallel } from './parallel.ts';

const concurrencyMax = 8;

export interface Remover {
  readonly kube: KubeClient;
  readonly account: string;
  /** undefined: not served now, so nothing can be done to it. */
  readonly kindOf: (ref: ObjectRef) => KindInfo | undefined;
}

/** Deletes those very objects, at the version they were judged at; one that changed since is judged again at the next visit. */
export async function deleteAll(
  deletions: readonly Deletion[],
  { kube, account, kindOf }: Remover,
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  for (const step of Map.groupBy(deletions, ({ entry }) => rankOf(entry.ref)).values())
    await inParallel(step, concurrencyMax, async ({ entry: { ref }, uid, resourceVersion }) => {
      const kind = kindOf(ref);
      if (!kind) return;
      try {
        await kube.delete(kind, ref, { as: account, uid, resourceVersion, propagation: 'Background' }, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isKubeError(error, 'NOT_FOUND', 'CONFLICT')) failures.push(failureOf(ref, error, account));
      }
    });
  return failures;
}

/** Takes our marks off objects that stay: from then on nobody manages them. */
export async function releaseAll(
  objects: readonly { readonly ref: ObjectRef; readonly object: KubeObject }[],
  { kube, account, kindOf }: Remover,
  signal: AbortSignal,
): Promise<readonly Failure[]> {
  const failures: Failure[] = [];
  await inParallel(objects, concurrencyMax, async ({ ref, object }) => {
    const kind = kindOf(ref);
    if (!kind) return;
    try {
      await kube.update(kind, unmarked(object), { as: account }, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (!isKubeError(error, 'NOT_FOUND', 'CONFLICT')) failures.push(failureOf(ref, error, account));
    }
  });
  return failures;
}

export function unmarked(object: KubeObject): KubeObject {
  const { managedFields, labels: given, annotations, ...metadata } = object.metadata;
  const without = (map: Readonly<Record<string, string>> | undefined, ...keys: string[]): Record<string, string> =>
    Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !keys.includes(key)));
  const managers = Array.isArray(managedFields) ? (managedFields as { manager?: unknown }[]) : [];
  const others = managers.filter(({ manager }) => manager !== fieldManager);
  return {
    ...object,
    metadata: {
      ...metadata,
      labels: without(given, labels.fleet, labels.assignment),
      annotations: without(annotations, labels.object),
      // An empty list would mean "as it was"; one empty entry means "none".
      managedFields: others.length > 0 ? others : [{}],
    },
  };
}
