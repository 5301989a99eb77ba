import { KubeError } from './errors.ts';
import type { KubeObject } from './port.ts';

export type Selects = (object: KubeObject) => boolean;

/** A label selector (equality, existence, in, notin) and a field selector (metadata.name, metadata.namespace), as the API server reads them. Throws INVALID. */
export function selection(labelSelector = '', fieldSelector = ''): Selects {
  const rules = [...splitOutsideParentheses(labelSelector).map(labelRule), ...splitOutsideParentheses(fieldSelector).map(fieldRule)];
  return (object) => rules.every((rule) => rule(object));
}

function splitOutsideParentheses(text: string): readonly string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function labelRule(text: string): Selects {
  const labelOf = (object: KubeObject, key: string): string | undefined => object.metadata.labels?.[key];
  const set = /^(\S+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    return (object) => values.has(labelOf(object, key) ?? '\0') === (operator === 'in');
  }
  const [, absent, key = '', operator, value] = /^(!?)([^\s!=]+)\s*(?:(==?|!=)\s*([^\s!=]*))?$/.exec(text) ?? [];
  if (key === '' || (absent && operator)) throw new KubeError('INVALID', `the label selector "${text}" cannot be read`);
  if (!operator) return (object) => (labelOf(object, key) === undefined) === (absent === '!');
  return (object) => (labelOf(object, key) === value) === (operator !== '!=');
}

function fieldRule(text: string): Selects {
  const [, field, operator, value] = /^(metadata\.name|metadata\.namespace)\s*(==?|!=)\s*(\S+)$/.exec(text) ?? [];
  if (!field) throw new KubeError('INVALID', `the field selector "${text}" cannot be read`);
  const of = ({ metadata }: KubeObject): string => (field === 'metadata.name' ? metadata.name : (metadata.namespace ?? ''));
  return (object) => (of(object) === value) === (operator !== '!=');
}
