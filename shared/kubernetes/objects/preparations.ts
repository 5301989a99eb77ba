import { createHash } from 'node:crypto';
import { at, docAt, listAt, textAt, withAt, type Doc, type Stored } from '../values.ts';

/** What the real API server works out by itself when it is given an object of a built-in kind, beyond constant defaults. */
export const preparations: Readonly<Record<string, (next: Stored, live: Stored | undefined) => Stored>> = {
  Namespace: (next) => withAt(next, ['metadata', 'labels', 'kubernetes.io/metadata.name'], next.metadata.name),

  /** An address that stays, from the object's uid: nobody routes to it here. */
  Service: (next, live) => {
    const { ports, type, clusterIP: given } = docAt(next, 'spec');
    const withPorts = listAt({ ports }, 'ports').map((port) => ({ targetPort: at(port, 'port'), ...(port as Doc) }));
    const [a = 0, b = 0, c = 0] = createHash('sha256').update(next.metadata.uid).digest();
    const clusterIP = given ?? at(live, 'spec', 'clusterIP') ?? `10.${96 + (a % 16)}.${b}.${1 + (c % 254)}`;
    const address = type === 'ExternalName' ? {} : { clusterIP, clusterIPs: [clusterIP] };
    return { ...next, spec: { ...docAt(next, 'spec'), ...(ports === undefined ? {} : { ports: withPorts }), ...address } };
  },

  Secret: ({ stringData = {}, ...next }) => {
    const encoded = Object.entries(stringData as Doc).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')]);
    return encoded.length === 0 ? next : { ...next, data: { ...docAt(next, 'data'), ...Object.fromEntries(encoded) } };
  },

  /** A policy about what goes out says so by having rules for it. */
  NetworkPolicy: (next) => {
    const implied = ['Ingress', ...(listAt(next, 'spec', 'egress').length > 0 ? ['Egress'] : [])];
    return withAt(next, ['spec', 'policyTypes'], at(next, 'spec', 'policyTypes') ?? implied);
  },

  /** Its pods are told apart by its uid. */
  Job: (next, live) => {
    const uid = { 'batch.kubernetes.io/controller-uid': next.metadata.uid };
    const names = { 'batch.kubernetes.io/job-name': next.metadata.name, 'job-name': next.metadata.name };
    const labels = { ...docAt(next, 'spec', 'template', 'metadata', 'labels'), ...uid, 'controller-uid': next.metadata.uid, ...names };
    return live
      ? next
      : withAt(withAt(next, ['spec', 'selector'], { matchLabels: uid }), ['spec', 'template', 'metadata', 'labels'], labels);
  },

  CustomResourceDefinition: (next, live) => {
    const kind = textAt(next, 'spec', 'names', 'kind');
    const names = { singular: kind.toLowerCase(), listKind: `${kind}List`, ...docAt(next, 'spec', 'names') };
    const storedVersions = listAt(next, 'spec', 'versions').flatMap((one) => (at(one, 'storage') === true ? [at(one, 'name')] : []));
    const status = { conditions: [], acceptedNames: { plural: '', kind: '' }, storedVersions };
    return { ...withAt(next, ['spec', 'names'], names), ...(live ? {} : { status }) };
  },
};
