import { refusal } from '../errors.ts';
import { facts } from '../schemas/tables.ts';
import { at, listAt, type Stored } from '../values.ts';

export type Selects = (object: Stored) => boolean;
type LabelRule = (labels: ReadonlyMap<string, string>) => boolean;

const parts = (text: string): readonly string[] => text.split(/,(?![^(]*\))/).flatMap((part) => part.trim() || []);

/** A label selector as a query parameter says it. Throws ApiError. */
export function labelSelector(text: string): Selects {
  const rules = parts(text).map(labelRule);
  return ({ metadata: { labels = {} } }) => {
    const all = new Map(Object.entries(labels));
    return rules.every((rule) => rule(all));
  };
}

function labelRule(text: string): LabelRule {
  const [, name = '', wanted, list = ''] = /^([^\s!=,()]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text) ?? [];
  const values = list.split(',').map((value) => value.trim());
  if (wanted) return (labels) => (labels.has(name) && values.includes(labels.get(name) ?? '')) === (wanted === 'in');
  const [, absent, key, operator, value] = /^(!?)\s*([^\s!=,()]+)\s*(?:(==?|!=)\s*([^\s!=,()]*))?$/.exec(text) ?? [];
  if (key === undefined || (absent && operator)) throw refusal('noSelector', { text });
  if (!operator) return (labels) => labels.has(key) !== (absent === '!');
  return (labels) => (labels.get(key) === value) === (operator !== '!=');
}

/** A field selector. Throws ApiError for fields that objects of that kind cannot be selected by. */
export function fieldSelector(text: string, kind: string): Selects {
  const more = listAt(facts, 'selectable', kind);
  const rules = parts(text).map((part): Selects => {
    const [, field = '', operator, value = ''] = /^([^=!]+?)\s*(==?|!=)\s*(.*)$/.exec(part) ?? [];
    const why = kind === '' || more.length > 0 ? 'field label not supported: ' : 'is not a known field selector: ';
    if (!['metadata.name', 'metadata.namespace', ...more].includes(field)) throw refusal('noField', { why, field });
    const is = (found: unknown): boolean => (typeof found === 'string' ? found : JSON.stringify(found ?? null)) === value;
    return (object) => is(at(object, ...field.split('.')) ?? '') === (operator !== '!=');
  });
  return (object) => rules.every((rule) => rule(object));
}
