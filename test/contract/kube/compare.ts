import { isRecord } from './paths.ts';
import type { Bindings } from './placeholders.ts';

/** What the API server fills in for whoever leaves it out: asserted once (area `defaults`), noise elsewhere. */
const defaults = [
  'spec.progressDeadlineSeconds',
  'spec.revisionHistoryLimit',
  'spec.strategy',
  'spec.updateStrategy',
  'spec.podManagementPolicy',
  'spec.persistentVolumeClaimRetentionPolicy',
  'spec.dnsPolicy',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.securityContext',
  'spec.terminationGracePeriodSeconds',
  'containers.imagePullPolicy',
  'containers.resources',
  'containers.terminationMessagePath',
  'containers.terminationMessagePolicy',
];

/**
 * The document without what is ignored. An entry is the end of a path without indexes: `metadata.managedFields` is meant at any depth; `@defaults` is a
 * list of such.
 */
export function without(document: unknown, ignore: readonly string[]): unknown {
  const ends = ignore.flatMap((entry) => (entry === '@defaults' ? defaults : [entry])).map((end) => `.${end}`);
  const visit = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((item) => visit(item, path));
    if (!isRecord(value)) return value;
    const kept = Object.entries(value).filter(([key]) => !ends.some((end) => `${path}.${key}`.endsWith(end)));
    return Object.fromEntries(kept.map(([key, item]) => [key, visit(item, `${path}.${key}`)]));
  };
  return ends.length === 0 ? document : visit(document, '');
}

/** Each difference as a line: where, what was recorded, what was answered. Binds placeholders on the way. */
export function differences(expected: unknown, actual: unknown, bindings: Bindings, path = ''): readonly string[] {
  const where = path === '' ? '.' : path;
  if (typeof expected === 'string' && typeof actual === 'string') {
    const problem = bindings.match(expected, actual);
    return problem === undefined ? [] : [`${where}: expected ${show(expected)}, got ${show(actual)} (${problem})`];
  }
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const length = Math.max(expected.length, actual.length);
    return Array.from(
      { length },
      (_, index) =>
        absent(expected[index], actual[index], `${path}[${index}]`) ??
        differences(expected[index], actual[index], bindings, `${path}[${index}]`),
    ).flat();
  }
  if (isRecord(expected) && isRecord(actual)) {
    const others = new Set(Object.keys(actual));
    // A key may speak of a value that stands before it, so keys are filled one by one.
    const found = Object.entries(expected).flatMap(([name, value]) => {
      const key = bindings.filledKey(name);
      others.delete(key);
      const at = `${path}.${key}`;
      return absent(value, actual[key], at) ?? differences(value, actual[key], bindings, at);
    });
    return [...found, ...[...others].map((key) => `${path}.${key}: expected nothing, got ${show(actual[key])}`)];
  }
  return Object.is(expected, actual) ? [] : [`${where}: expected ${show(expected)}, got ${show(actual)}`];
}

function absent(expected: unknown, actual: unknown, path: string): readonly string[] | undefined {
  if (expected === undefined && actual !== undefined) return [`${path}: expected nothing, got ${show(actual)}`];
  if (actual === undefined && expected !== undefined) return [`${path}: expected ${show(expected)}, got nothing`];
  return expected === undefined ? [] : undefined;
}

const shownChars = 400;
const show = (value: unknown): string => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > shownChars ? `${text.slice(0, shownChars)}... (${text.length} characters)` : text;
};
