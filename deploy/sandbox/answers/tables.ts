import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { humanAge } from '#shared/kernel/mod.ts';
import { at, columns, type Doc, isDoc, isList, isTrue, type Kind, listAt, type Stored, textAt } from '#shared/kubernetes/mod.ts';
import { partial } from './lists.ts';

// What people see: columns as the real API server names them (`columns`), cells by the paths of cells.json.

const paths = JSON.parse(readFileSync(join(import.meta.dirname, 'cells.json'), 'utf8')) as Doc;
const containers = (pod: Stored): readonly unknown[] => listAt(pod, 'status', 'containerStatuses');

/** Cells that are more than a value of the object. */
const computed: Readonly<Record<string, (object: Stored, now: number) => unknown>> = {
  Age: ({ metadata }, now) => humanAge(now - Date.parse(metadata.creationTimestamp)),
  'Pod.Ready': (pod) => `${containers(pod).filter((one) => at(one, 'ready') === true).length}/${listAt(pod, 'spec', 'containers').length}`,
  'Pod.Restarts': (pod) => String(containers(pod).reduce<number>((sum, one) => sum + Number(at(one, 'restartCount') ?? 0), 0)),
  'Pod.Status': (pod) => {
    const reasons = containers(pod).flatMap((one) => ['waiting', 'terminated'].map((state) => textAt(one, 'state', state, 'reason')));
    return pod.metadata.deletionTimestamp ? 'Terminating' : reasons.find((reason) => reason !== '') || textAt(pod, 'status', 'phase');
  },
  'Job.Status': (job) => ['Complete', 'Failed', 'Suspended'].find((type) => isTrue(job, type)) ?? 'Running',
  'Service.Port(s)': (service) => String(listAt(service, 'spec', 'ports').map((one) => [at(one, 'port'), at(one, 'protocol')].join('/'))),
  'Node.Status': (node) => (isTrue(node, 'Ready') ? 'Ready' : 'NotReady'),
};

/** What is at "path|otherwise", in every item of a list on the way; of a map its pairs, after ".#" how many there are. */
function valueAt(object: Stored, rule: string): unknown {
  const [path = '', otherwise = ''] = rule.split('|');
  const steps = path.replace('.#', '').split('.');
  const found = steps.reduce<unknown>((here, key) => (isList(here) ? here.map((one) => at(one, key)) : at(here, key)), object);
  if (path.endsWith('.#')) return Object.keys(found ?? {}).length;
  if (isDoc(found)) return String(Object.entries(found).map((pair) => pair.join('=')));
  return isList(found) ? found.join() : (found ?? (otherwise === '0' ? 0 : otherwise));
}

/** A Table of objects, with the columns that this program can fill. `include` says how much of each object stands beside its row. */
export function tableFor(kind: Kind, items: readonly Stored[], metadata: Doc, include: string | null, now: number): Doc {
  const known = listAt(columns, kind.builtIn ? `${kind.kind}.${kind.group}` : 'custom');
  const all = (known.length > 0 ? known : ['Name', 'Age']).map((one) => (typeof one === 'string' ? at(columns, 'common', one) : one));
  const textOf = (name: string): string => textAt(paths, `${kind.kind}.${kind.group}`, name) || textAt(paths, 'all', name);
  const ruleOf = (name: string) => computed[`${kind.kind}.${name}`] ?? computed[name];
  const shown = all.filter((column) => ruleOf(textAt(column, 'name')) ?? textOf(textAt(column, 'name')));
  const fill = (text: string, object: Stored): string =>
    text.replaceAll(/\{([^}]*)\}/g, (_, path: string) => String(valueAt(object, path)));
  const cell = (object: Stored, name: string): unknown => {
    const text = textOf(name);
    // A number alone stays one.
    const filled = (): unknown => (/^\{[^}]*\}$/.test(text) ? valueAt(object, text.slice(1, -1)) : fill(text, object));
    return ruleOf(name)?.(object, now) ?? filled();
  };
  const beside = (object: Stored): unknown => (include === 'Object' ? object : include === 'None' ? null : partial(object));
  const rows = items.map((object) => ({ cells: shown.map((column) => cell(object, textAt(column, 'name'))), object: beside(object) }));
  return { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata, columnDefinitions: shown, rows };
}
