import { badRequest } from '../errors.ts';
import { at, type Doc, type Stored } from '../values.ts';

export type Selects = (object: Stored) => boolean;

const parts = (text: string): readonly string[] =>
  text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** A label selector as a query parameter says it. Throws ApiError. */
export function labelSelector(text: string): Selects {
  const rules = parts(text).map(labelRule);
  return (object) => rules.every((rule) => rule(object.metadata.labels ?? {}));
}

type LabelRule = (labels: Readonly<Record<string, string>>) => boolean;

function labelRule(text: string): LabelRule {
  const set = /^([^\s!=,()]+)\s+(in|notin)\s*\(([^)]*)\)$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = new Set(list.split(',').map((value) => value.trim()));
    return (labels) => (labels[key] !== undefined && values.has(labels[key])) === (operator === 'in');
  }
  const [, absent, key, operator, value] = /^(!?)\s*([^\s!=,()]+)\s*(?:(==?|!=)\s*([^\s!=,()]*))?$/.exec(text) ?? [];
  if (key === undefined || (absent && operator)) throw badRequest(`unable to parse requirement: found '${text}', expected: identifier`);
  if (!operator) return (labels) => (labels[key] === undefined) === (absent === '!');
  return (labels) => (labels[key] === value) === (operator !== '!=');
}

/** The selector of a workload. */
export function matchesSelector(selector: Doc, labels: Readonly<Record<string, string>>): boolean {
  const wanted = Object.entries((selector['matchLabels'] ?? {}) as Record<string, string>);
  const expressions = (selector['matchExpressions'] ?? []) as readonly { key: string; operator: string; values?: readonly string[] }[];
  return (
    wanted.every(([key, value]) => labels[key] === value) &&
    expressions.every(({ key, operator, values = [] }) => {
      const value = labels[key];
      if (operator === 'Exists') return value !== undefined;
      if (operator === 'DoesNotExist') return value === undefined;
      return (value !== undefined && values.includes(value)) === (operator === 'In');
    })
  );
}

const always = ['metadata.name', 'metadata.namespace'];
const selectable: Readonly<Record<string, readonly string[]>> = {
  Pod: [
    'spec.nodeName',
    'spec.restartPolicy',
    'spec.schedulerName',
    'spec.serviceAccountName',
    'spec.hostNetwork',
    'status.phase',
    'status.podIP',
  ],
  Event: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.fieldPath',
    'reason',
    'type',
  ],
  Secret: ['type'],
  Namespace: ['status.phase'],
  Node: ['spec.unschedulable'],
  ReplicaSet: ['status.replicas'],
  Job: ['status.successful'],
  Service: ['spec.clusterIP', 'spec.type'],
};

const unknownField = (field: string, kind: string): string =>
  kind === '' || selectable[kind]
    ? `field label not supported: ${field}`
    : `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`;

/** A field selector. `more`: further fields of that kind. Throws ApiError for fields that cannot be selected on. */
export function fieldSelector(text: string, kind: string, more: readonly string[]): Selects {
  const rules = parts(text).map((part): Selects => {
    const [, field = '', operator, value = ''] = /^([^=!]+?)\s*(==?|!=)\s*(.*)$/.exec(part) ?? [];
    if (field === '') throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    if (![...always, ...more, ...(selectable[kind] ?? [])].includes(field)) throw badRequest(unknownField(field, kind));
    const path = field.split('.');
    const textOf = (found: unknown): string => (typeof found === 'string' ? found : found === undefined ? '' : JSON.stringify(found));
    return (object) => (textOf(at(object, ...path)) === value) === (operator !== '!=');
  });
  return (object) => rules.every((rule) => rule(object));
}
