import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, docAt, isDoc, listAt, textAt, timestamp, type Doc, type Stored } from '../values.ts';

// What controllers, a scheduler and kubelets say is data, in `forms.json`. What they decide is code.

const forms = JSON.parse(readFileSync(join(import.meta.dirname, 'forms.json'), 'utf8')) as Doc;

/** The form at a path, its gaps filled in: "{name}" alone is the value itself, no field when there is none, with "?" neither when it is 0. */
export const form = (path: readonly string[], values: Doc): unknown => filled(at(forms, ...path), values);

function filled(found: unknown, values: Doc): unknown {
  if (Array.isArray(found)) return found.map((one) => filled(one, values));
  if (isDoc(found)) {
    const entries = Object.entries(found).map(([key, value]) => [key, filled(value, values)] as const);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }
  if (typeof found !== 'string') return found;
  const [, name, optional] = /^\{(\w+)(\??)\}$/.exec(found) ?? [];
  if (name === undefined) return found.replaceAll(/\{(\w+)\}/g, (_, key: string) => String(values[key]));
  return optional && values[name] === 0 ? undefined : values[name];
}

/** The object with the status that its kind reports. */
export const reported = (object: Stored, values: Doc): Stored => ({
  ...object,
  status: form(['statuses', object.kind], { generation: object.metadata.generation, ...values }),
});

const conditionOf = (object: Stored, type: string): unknown =>
  listAt(object, 'status', 'conditions').find((one) => textAt(one, 'type') === type);
export const isTrue = (object: Stored, type: string): boolean => textAt(conditionOf(object, type), 'status') === 'True';

/** The condition of that name as it is to be; its time moves with its status alone. */
export function condition(object: Stored, name: string, now: number, values: Doc = {}): Doc {
  const next = docAt(form(['conditions', name], values));
  const old = conditionOf(object, textAt(next, 'type'));
  const since = textAt(old, 'status') === next['status'] ? textAt(old, 'lastTransitionTime') : '';
  return { ...next, lastTransitionTime: since || timestamp(now) };
}
