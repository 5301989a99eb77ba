import { createHash } from 'node:crypto';
import { docAt, isDoc, listAt, textAt, withAt, type Doc, type Stored } from '../values.ts';
import type { Kind } from './kinds.ts';

// What the real API server works out by itself when it is given an object, beyond constant defaults.

/** `live` is what was there before, if anything. */
export function prepared(kind: Kind, live: Stored | undefined, next: Stored): Stored {
  return kind.builtIn ? ((byKind[kind.kind]?.(next, live) as Stored | undefined) ?? next) : next;
}

type Prepare = (next: Doc, live: Stored | undefined) => Doc;

const podTemplate =
  (...path: readonly string[]): Prepare =>
  (next) =>
    withAt(next, path, withPulls(docAt(next, ...path)));

/** Images without a tag, or at `latest`, are pulled anew. */
function withPulls(spec: Doc): Doc {
  const pull = (container: unknown): unknown => {
    const image = textAt(container, 'image').replace(/@.*$/, '');
    const tag = /:([^/:]+)$/.exec(image)?.[1];
    const isPinned = textAt(container, 'image').includes('@') || (tag !== undefined && tag !== 'latest');
    return { imagePullPolicy: isPinned ? 'IfNotPresent' : 'Always', ...(container as Doc) };
  };
  const lists = ['containers', 'initContainers'].filter((list) => Array.isArray(spec[list]));
  const account = textAt(spec, 'serviceAccountName') || textAt(spec, 'serviceAccount');
  return {
    ...spec,
    ...Object.fromEntries(lists.map((list) => [list, listAt(spec, list).map(pull)])),
    ...(account === '' ? {} : { serviceAccountName: account, serviceAccount: account }),
  };
}

const service: Prepare = (next, live) => {
  const spec = docAt(next, 'spec');
  const ports = listAt(spec, 'ports').map((port) => ({
    ...(port as Doc),
    targetPort: docAt({ port })['targetPort'] ?? (port as Doc)['targetPort'] ?? (port as Doc)['port'],
  }));
  const withPorts: Doc = ports.length > 0 ? { ...spec, ports } : spec;
  if (spec['type'] === 'ExternalName') return { ...next, spec: withPorts };
  const address = textAt(spec, 'clusterIP') || textAt(live, 'spec', 'clusterIP') || addressFor(textAt(next, 'metadata', 'uid'));
  return {
    ...next,
    spec: { ...withPorts, clusterIP: address, clusterIPs: [address] },
    status: { loadBalancer: {}, ...docAt(next, 'status') },
  };
};

/** One of 10.96.0.0/12, from the object's uid: nobody routes to it here. */
function addressFor(uid: string): string {
  const [a = 0, b = 0, c = 0] = createHash('sha256').update(uid).digest();
  return `10.${96 + (a % 16)}.${b}.${1 + (c % 254)}`;
}

const secret: Prepare = (next) => {
  const { stringData, ...rest } = next;
  if (!isDoc(stringData)) return next;
  const encoded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
  return { ...rest, data: { ...docAt(next, 'data'), ...Object.fromEntries(encoded) } };
};

const jobDefaults = {
  completions: 1,
  parallelism: 1,
  backoffLimit: 6,
  completionMode: 'NonIndexed',
  suspend: false,
  podReplacementPolicy: 'TerminatingOrFailed',
};

const job: Prepare = (given, live) => {
  const next = withAt(given, ['spec'], { ...jobDefaults, ...docAt(given, 'spec') });
  const pulled = podTemplate('spec', 'template', 'spec')(next, live);
  if (live || docAt(next, 'spec')['manualSelector'] === true) return pulled;
  const [uid, name] = [textAt(next, 'metadata', 'uid'), textAt(next, 'metadata', 'name')];
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  };
  const template = docAt(pulled, 'spec', 'template', 'metadata');
  // A Job without labels of its own shows those of its pods.
  const own = docAt(next, 'metadata', 'labels');
  const withLabels = withAt(pulled, ['spec', 'template', 'metadata'], { ...template, labels: { ...docAt(template, 'labels'), ...labels } });
  const withSelector = withAt(withLabels, ['spec', 'selector'], { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } });
  const manual = withAt(withSelector, ['spec', 'manualSelector'], false);
  return Object.keys(own).length > 0 ? manual : withAt(manual, ['metadata', 'labels'], { ...docAt(template, 'labels'), ...labels });
};

const namespace: Prepare = (next) => {
  const name = textAt(next, 'metadata', 'name');
  return withAt(next, ['metadata', 'labels'], { ...docAt(next, 'metadata', 'labels'), 'kubernetes.io/metadata.name': name });
};

const claim: Prepare = (next, live) => (live ? next : withAt(next, ['metadata', 'finalizers'], ['kubernetes.io/pvc-protection']));

const definition: Prepare = (next, live) => {
  const names = docAt(next, 'spec', 'names');
  const kind = textAt(names, 'kind');
  const all = { ...names, singular: textAt(names, 'singular') || kind.toLowerCase(), listKind: textAt(names, 'listKind') || `${kind}List` };
  const named = withAt(next, ['spec', 'names'], all);
  const storage = listAt(next, 'spec', 'versions').filter((one) => isDoc(one) && one['storage'] === true);
  return live
    ? named
    : withAt(named, ['status'], {
        conditions: [],
        acceptedNames: { plural: '', kind: '' },
        storedVersions: storage.map((one) => textAt(one, 'name')),
      });
};

/** A limit without a request asks for as much. */
const withRequests = (container: unknown): unknown => {
  const { requests, limits } = docAt(container, 'resources');
  return isDoc(limits)
    ? withAt(container as Doc, ['resources', 'requests'], { ...limits, ...(isDoc(requests) ? requests : {}) })
    : container;
};

const networkPolicy: Prepare = (next) => {
  const spec = docAt(next, 'spec');
  return spec['policyTypes'] ? next : withAt(next, ['spec', 'policyTypes'], ['Ingress', ...(spec['egress'] ? ['Egress'] : [])]);
};

const pod: Prepare = (next, live) => {
  const spec: Doc = { enableServiceLinks: true, preemptionPolicy: 'PreemptLowerPriority', priority: 0, ...withPulls(docAt(next, 'spec')) };
  const containers = listAt(spec, 'containers').map(withRequests);
  const lasts = (key: string): Doc => ({
    effect: 'NoExecute',
    key: `node.kubernetes.io/${key}`,
    operator: 'Exists',
    tolerationSeconds: 300,
  });
  const given = listAt(spec, 'tolerations') as readonly Doc[];
  const added = [lasts('not-ready'), lasts('unreachable')].filter(
    ({ key }) => !given.some((one) => one['key'] === key || one['key'] === undefined),
  );
  const status = { phase: 'Pending', qosClass: qualityOf(spec), ...docAt(next, 'status') };
  return { ...next, spec: { ...spec, containers, tolerations: [...given, ...(live ? [] : added)] }, status };
};

function qualityOf(spec: Doc): string {
  const resources = listAt(spec, 'containers').map((one) => docAt(one, 'resources'));
  if (resources.every((one) => Object.keys(docAt(one, 'limits')).length + Object.keys(docAt(one, 'requests')).length === 0))
    return 'BestEffort';
  const full = (one: Doc): boolean =>
    ['cpu', 'memory'].every((key) => {
      const limit = docAt(one, 'limits')[key];
      return limit !== undefined && (docAt(one, 'requests')[key] ?? limit) === limit;
    });
  return resources.every(full) ? 'Guaranteed' : 'Burstable';
}

const byKind: Readonly<Record<string, Prepare>> = {
  Deployment: podTemplate('spec', 'template', 'spec'),
  ReplicaSet: podTemplate('spec', 'template', 'spec'),
  StatefulSet: podTemplate('spec', 'template', 'spec'),
  DaemonSet: podTemplate('spec', 'template', 'spec'),
  CronJob: podTemplate('spec', 'jobTemplate', 'spec', 'template', 'spec'),
  Pod: pod,
  NetworkPolicy: networkPolicy,
  Job: job,
  Service: service,
  Secret: secret,
  PersistentVolumeClaim: claim,
  Namespace: namespace,
  CustomResourceDefinition: definition,
};
