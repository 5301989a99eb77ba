import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { at, condition, type Doc, docAt, isDoc, type Stored } from '#shared/kubernetes/mod.ts';

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

/** The condition of that name as it is to be. */
export const conditionNamed = (object: Stored, name: string, now: number, values: Doc = {}): Doc =>
  condition(object, docAt(form(['conditions', name], values)), now);
