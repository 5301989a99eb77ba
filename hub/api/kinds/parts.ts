import { digestOf, canonicalJson, type Json } from '#shared/kernel/mod.ts';

export const time = (ms: number): string => new Date(ms).toISOString();
export const timeOrNull = (ms: number | null): string | null => (ms === null ? null : time(ms));

/** Of what is not declared: whatever is shown of it but its ages. */
export function contentVersion(value: unknown): string {
  const text = canonicalJson(
    JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key.endsWith('AgeMs') ? undefined : inner))) as Json,
  );
  return digestOf(text).slice('sha256:'.length, 'sha256:'.length + 16);
}

/** A resource with its version, made of the rest of it. */
export function versioned<R extends { readonly metadata: object }>(
  resource: R,
): R & { metadata: R['metadata'] & { resourceVersion: string } } {
  return { ...resource, metadata: { ...resource.metadata, resourceVersion: contentVersion(resource) } };
}

export const firstLine = (text: string): string => text.split('\n', 1)[0] ?? '';
