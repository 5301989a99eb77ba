import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Column, Kind } from '../objects/kinds.ts';
import { at, docAt, isDoc, isList, listAt, textAt, type Doc, type Stored } from '../values.ts';

// What people see: columns as the real API server names them (columns.json), cells worked out here.

const read = JSON.parse(readFileSync(join(import.meta.dirname, '../schemas/golden/columns.json'), 'utf8')) as Record<
  string,
  readonly (string | Doc)[]
>;
const common = read['common'] as unknown as Readonly<Record<string, Doc>>;

type Cell = (object: Stored, now: number) => unknown;
const path =
  (text: string, otherwise: unknown = ''): Cell =>
  (object) =>
    at(object, ...text.split('.')) ?? otherwise;
const count =
  (...lists: readonly string[]): Cell =>
  (object) =>
    lists.reduce((sum, list) => sum + Object.keys((at(object, ...list.split('.')) as object | undefined) ?? {}).length, 0);

/** "5s", "3m10s", "2d": two figures while they are small, as kubectl shows ages. */
export function ageText(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86_400)];
  const two = (a: number, unit: string, b: number, small: string): string => `${a}${unit}${b > 0 ? `${b}${small}` : ''}`;
  if (s < 120) return `${s}s`;
  if (m < 10) return two(m, 'm', s % 60, 's');
  if (m < 180) return `${m}m`;
  if (h < 8) return two(h, 'h', m % 60, 'm');
  if (h < 48) return `${h}h`;
  if (d < 8) return two(d, 'd', h % 24, 'h');
  return d < 730 ? `${d}d` : `${Math.floor(d / 365)}y`;
}
const age = (text: unknown, now: number): string => (typeof text === 'string' ? ageText(now - Date.parse(text)) : '<unknown>');

const template = (object: Stored): Doc => docAt(object, 'spec', 'template', 'spec');
const joined = (list: readonly unknown[], field: string): string => list.map((one) => textAt(one, field)).join();
const selectorText = (selector: unknown): string =>
  isDoc(selector)
    ? Object.entries(docAt(selector, 'matchLabels'))
        .map(([key, value]) => `${key}=${String(value)}`)
        .sort()
        .join() || '<none>'
    : '<none>';
const labelsText = (labels: unknown): string =>
  Object.entries(isDoc(labels) ? labels : {})
    .map(([key, value]) => `${key}=${String(value)}`)
    .sort()
    .join() || '<none>';

const podStatus: Cell = (pod) => {
  if (pod.metadata.deletionTimestamp) return 'Terminating';
  const states = listAt(pod, 'status', 'containerStatuses').map((one) => docAt(one, 'state'));
  for (const state of states) {
    const reason = textAt(state, 'waiting', 'reason') || textAt(state, 'terminated', 'reason');
    if (reason !== '') return reason;
  }
  return textAt(pod, 'status', 'reason') || textAt(pod, 'status', 'phase');
};
const jobStatus: Cell = (job) => {
  const has = (type: string): boolean =>
    listAt(job, 'status', 'conditions').some((one) => textAt(one, 'type') === type && textAt(one, 'status') === 'True');
  if (has('Complete')) return 'Complete';
  if (has('Failed')) return 'Failed';
  return job.metadata.deletionTimestamp ? 'Terminating' : has('Suspended') ? 'Suspended' : 'Running';
};
const externalIp: Cell = (service) => {
  const type = textAt(service, 'spec', 'type');
  if (type === 'ExternalName') return textAt(service, 'spec', 'externalName');
  return type === 'LoadBalancer'
    ? '<pending>'
    : joined(
        listAt(service, 'spec', 'externalIPs').map((ip) => ({ ip })),
        'ip',
      ) || '<none>';
};
const ports: Cell = (service) =>
  listAt(service, 'spec', 'ports')
    .map((one) => `${String(at(one, 'port'))}${at(one, 'nodePort') ? `:${String(at(one, 'nodePort'))}` : ''}/${textAt(one, 'protocol')}`)
    .join() || '<none>';
const binding: Cell = (object) => `${textAt(object, 'roleRef', 'kind')}/${textAt(object, 'roleRef', 'name')}`;
const subjects =
  (kind: string): Cell =>
  (object) =>
    listAt(object, 'subjects')
      .filter((one) => textAt(one, 'kind') === kind)
      .map((one) => (kind === 'ServiceAccount' ? `${textAt(one, 'namespace')}/` : '') + textAt(one, 'name'))
      .join(', ');
const ready =
  (done: string, wanted: string): Cell =>
  (object) =>
    `${String(path(done, 0)(object, 0))}/${String(path(wanted, 0)(object, 0))}`;
const duration: Cell = (job, now) => {
  const [start, end] = [textAt(job, 'status', 'startTime'), textAt(job, 'status', 'completionTime')];
  return start === '' ? '' : ageText((end === '' ? now : Date.parse(end)) - Date.parse(start));
};
const always: Readonly<Record<string, Cell>> = {
  Name: path('metadata.name'),
  Age: (object, now) => age(object.metadata.creationTimestamp, now),
  'Created At': path('metadata.creationTimestamp'),
};
const workload: Readonly<Record<string, Cell>> = {
  Containers: (object) => joined(listAt(template(object), 'containers'), 'name'),
  Images: (object) => joined(listAt(template(object), 'containers'), 'image'),
  Selector: (object) => selectorText(at(object, 'spec', 'selector')),
};
const cells: Readonly<Record<string, Readonly<Record<string, Cell>>>> = {
  'ConfigMap.': { Data: count('data', 'binaryData') },
  'Secret.': { Type: path('type'), Data: count('data') },
  'Namespace.': { Status: path('status.phase') },
  'Node.': {
    Status: (node) =>
      listAt(node, 'status', 'conditions').some((one) => textAt(one, 'type') === 'Ready' && textAt(one, 'status') === 'True')
        ? 'Ready'
        : 'NotReady',
    Roles: () => '<none>',
    Version: path('status.nodeInfo.kubeletVersion'),
  },
  'Pod.': {
    Ready: (pod) => {
      const all = listAt(pod, 'status', 'containerStatuses');
      return `${all.filter((one) => at(one, 'ready') === true).length}/${listAt(pod, 'spec', 'containers').length}`;
    },
    Status: podStatus,
    Restarts: (pod) =>
      String(listAt(pod, 'status', 'containerStatuses').reduce<number>((sum, one) => sum + Number(at(one, 'restartCount') ?? 0), 0)),
    IP: path('status.podIP', '<none>'),
    Node: path('spec.nodeName', '<none>'),
    'Nominated Node': path('status.nominatedNodeName', '<none>'),
    'Readiness Gates': () => '<none>',
  },
  'Service.': {
    Type: path('spec.type'),
    'Cluster-IP': path('spec.clusterIP', '<none>'),
    'External-IP': externalIp,
    'Port(s)': ports,
    Selector: (service) => labelsText(at(service, 'spec', 'selector')),
  },
  'Deployment.apps': {
    ...workload,
    Ready: ready('status.readyReplicas', 'spec.replicas'),
    'Up-to-date': path('status.updatedReplicas', 0),
    Available: path('status.availableReplicas', 0),
  },
  'ReplicaSet.apps': {
    ...workload,
    Desired: path('spec.replicas', 0),
    Current: path('status.replicas', 0),
    Ready: path('status.readyReplicas', 0),
  },
  'StatefulSet.apps': { ...workload, Ready: ready('status.readyReplicas', 'spec.replicas') },
  'DaemonSet.apps': {
    ...workload,
    Desired: path('status.desiredNumberScheduled', 0),
    Current: path('status.currentNumberScheduled', 0),
    Ready: path('status.numberReady', 0),
    'Up-to-date': path('status.updatedNumberScheduled', 0),
    Available: path('status.numberAvailable', 0),
    'Node Selector': (object) => labelsText(template(object)['nodeSelector']),
  },
  'Job.batch': { ...workload, Status: jobStatus, Completions: ready('status.succeeded', 'spec.completions'), Duration: duration },
  'CronJob.batch': {
    Schedule: path('spec.schedule'),
    Timezone: path('spec.timeZone', '<none>'),
    Suspend: (object) => (at(object, 'spec', 'suspend') === true ? 'True' : 'False'),
    Active: count('status.active'),
    'Last Schedule': () => '<none>',
  },
  'Ingress.networking.k8s.io': {
    Class: path('spec.ingressClassName', '<none>'),
    Hosts: (object) => joined(listAt(object, 'spec', 'rules'), 'host') || '*',
    Address: () => '',
    Ports: (object) => (at(object, 'spec', 'tls') ? '80, 443' : '80'),
  },
  'RoleBinding.rbac.authorization.k8s.io': {
    Role: binding,
    Users: subjects('User'),
    Groups: subjects('Group'),
    ServiceAccounts: subjects('ServiceAccount'),
  },
  'ClusterRoleBinding.rbac.authorization.k8s.io': {
    Role: binding,
    Users: subjects('User'),
    Groups: subjects('Group'),
    ServiceAccounts: subjects('ServiceAccount'),
  },
  'Lease.coordination.k8s.io': { Holder: path('spec.holderIdentity') },
};

/** Cells of a custom kind: what its definition's JSON paths lead to. */
function customCell({ path: text, type }: Column): Cell {
  const steps = [...text.matchAll(/\.([\w-]+)|\['([^']+)'\]|\[(\d+)\]|\[\?\(@\.(\w+)\s*==\s*["']([^"']*)["']\)\]/g)];
  return (object, now) => {
    let here: unknown = object;
    for (const [, field, quoted, index, key, wanted] of steps) {
      if (isList(here)) here = key === undefined ? here[Number(index)] : here.find((one) => textAt(one, key) === wanted);
      else here = isDoc(here) ? here[field ?? quoted ?? ''] : undefined;
    }
    if (here === undefined || here === null) return null;
    if (type === 'date') return age(here, now);
    if (type === 'integer' || type === 'number' || type === 'boolean') return here;
    return typeof here === 'string' ? here : JSON.stringify(here);
  };
}

interface Shown {
  readonly definitions: readonly Doc[];
  readonly cells: readonly Cell[];
}

function columnsOf(kind: Kind): Shown {
  if (!kind.builtIn) {
    const plain: readonly Column[] = [{ name: 'Age', type: 'date', path: '.metadata.creationTimestamp' }];
    const columns = kind.columns.length > 0 ? kind.columns : plain;
    const describe = ({ path: text, ...column }: Column): Doc => {
      const {
        name,
        type,
        format = '',
        description = `Custom resource definition column (in JSONPath format): ${text}`,
        priority = 0,
      } = column;
      return { name, type, format, description, priority };
    };
    const first = { ...common['Name'] };
    const created = {
      name: 'Age',
      type: 'date',
      format: '',
      description: `Custom resource definition column (in JSONPath format): .metadata.creationTimestamp`,
      priority: 0,
    };
    return {
      definitions: [first, ...columns.map((one) => (one === plain[0] ? created : describe(one)))],
      cells: [path('metadata.name'), ...columns.map(customCell)],
    };
  }
  const name = `${kind.kind}.${kind.group}`;
  const rules: Readonly<Record<string, Cell>> = { ...always, ...cells[name] };
  // Columns that nothing is known about here are left out, not left empty.
  const known = (read[name] ?? ['Name', 'Age']).flatMap((one): [Doc, Cell][] => {
    const definition = typeof one === 'string' ? common[one] : one;
    const cell = rules[textAt(definition, 'name')];
    return definition && cell ? [[definition, cell]] : [];
  });
  return { definitions: known.map(([definition]) => definition), cells: known.map(([, cell]) => cell) };
}

/** A Table of objects. `include` says how much of each object stands beside its row; `isContinued`: columns were said before. */
export function tableOf(kind: Kind, items: readonly Stored[], metadata: Doc, include: string, isContinued: boolean, now: number): Doc {
  const columns = columnsOf(kind);
  const beside = (object: Stored): Doc => {
    if (include === 'None') return { object: null };
    return {
      object: include === 'Object' ? object : { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata },
    };
  };
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: isContinued ? null : columns.definitions,
    rows: items.map((object) => ({ cells: columns.cells.map((cell) => cell(object, now)), ...beside(object) })),
  };
}
