import type { Cause } from '../errors.ts';
import { facts } from '../schemas/tables.ts';
import { at, docAt, listAt, same, type Stored } from '../values.ts';
import { required, textCauses, wrong } from './causes.ts';
import { definitionCauses } from './definitions.ts';
import type { Kind } from './kinds.ts';

// What a document is refused for, in the words of the real one: names, labels, what is fixed, and what people run into in workloads.

/** What is wrong with an object that is about to be written; nothing: []. */
export function causesOf({ kind, group, builtIn, hasScale }: Kind, live: Stored | undefined, next: Stored): readonly Cause[] {
  const { name, labels = {}, annotations = {} } = next.metadata;
  const rule = [kind, group].find((one) => builtIn && at(facts, 'names', one) !== undefined) ?? 'subdomain';
  const [selector, pod] = [at(next, 'spec', 'selector', 'matchLabels'), at(next, 'spec', 'template', 'metadata', 'labels')];
  const replicas = hasScale ? at(next, 'spec', 'replicas') : 0;
  const isSelected = group !== 'apps' || Object.entries(docAt({ selector }, 'selector')).every(([key, value]) => at(pod, key) === value);
  return [
    ...(name === '' ? [required('metadata.name', ': name or generateName is required')] : textCauses('metadata.name', [name], rule)),
    ...textCauses('metadata.labels', Object.keys(labels), 'key'),
    ...textCauses('metadata.labels', Object.values(labels), 'value'),
    ...textCauses('metadata.annotations', Object.keys(annotations), 'key'),
    ...(builtIn && (kind === 'ConfigMap' || kind === 'Secret') ? dataCauses(kind, next) : []),
    ...(Number(replicas) < 0 ? [wrong('spec.replicas', replicas, 'must be greater than or equal to 0')] : []),
    ...(isSelected ? [] : [wrong('spec.template.metadata.labels', pod, '`selector` does not match template `labels`')]),
    ...(builtIn && kind === 'CustomResourceDefinition' ? definitionCauses(live, next) : []),
    ...(live ? changeCauses(builtIn ? kind : '', live, next) : []),
  ];
}

const dataMaxBytes = 1024 * 1024;

/** Of what ConfigMaps and Secrets hold: the names, and how much it is. */
function dataCauses(kind: string, next: Stored): readonly Cause[] {
  const data = { ...docAt(next, 'data'), ...docAt(next, 'binaryData') };
  const bytes = Object.values(data).reduce<number>((sum, text) => sum + Buffer.byteLength(String(text)), 0);
  const message = `Too long: may not be more than ${dataMaxBytes} bytes`;
  return [
    ...Object.keys(data).flatMap((key) => textCauses(`data[${key}]`, [key], 'data')),
    ...(bytes > dataMaxBytes ? [{ reason: 'FieldValueTooLong', message, field: kind === 'Secret' ? 'data' : '[]' }] : []),
  ];
}

/** What may not change, or not any more. */
function changeCauses(kind: string, live: Stored, next: Stored): readonly Cause[] {
  const changed = (path: string): boolean => !same(at(live, ...path.split('.')), at(next, ...path.split('.')));
  const fixed = (listAt(facts, 'immutable', kind) as readonly string[]).filter(changed);
  const sealed = at(live, 'immutable') === true ? ['data', 'binaryData', 'immutable'].filter(changed) : [];
  const { finalizers: held = [], deletionTimestamp } = live.metadata;
  const added = (next.metadata.finalizers ?? []).filter((one) => deletionTimestamp && !held.includes(one)).map((one) => `"${one}"`);
  const late = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.join(', ')}}`;
  return [
    ...fixed.map((path) => wrong(path, at(next, ...path.split('.')), 'field is immutable')),
    ...sealed.map((path) => wrong(path, '', 'field is immutable when `immutable` is set', 'FieldValueForbidden')),
    // Twice, as the real one says it.
    ...[...added.slice(0, 1), ...added.slice(0, 1)].map(() => wrong('metadata.finalizers', '', late, 'FieldValueForbidden')),
  ];
}
