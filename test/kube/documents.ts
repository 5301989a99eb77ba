// The documents that a control plane is started with: pure. JSON is YAML, so none is written by hand.

export interface Credentials {
  readonly authority: Uint8Array;
  readonly certificate: Uint8Array;
  readonly key: Uint8Array;
}

/** A kubeconfig with one context, named like the cluster, and everything inside it: the file can be moved. */
export function kubeconfig(name: string, url: string, credentials: Credentials): string {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const user = { 'client-certificate-data': base64(credentials.certificate), 'client-key-data': base64(credentials.key) };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(credentials.authority) } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  });
}

/** Who did what, without bodies. Watches and health probes are left out: they would be most of the file and change nothing. */
export const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'None', verbs: ['watch'] }, { level: 'None', nonResourceURLs: ['*'] }, { level: 'Metadata' }],
};

export interface NodeDocument {
  readonly apiVersion: 'v1';
  readonly kind: 'Node';
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
}

/** A node that KWOK plays. */
export function nodeDocument(name: string, zone: string): NodeDocument {
  const labels = {
    'kubernetes.io/arch': 'amd64',
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'node.kubernetes.io/instance-type': 'fake',
    'topology.kubernetes.io/region': 'local',
    'topology.kubernetes.io/zone': zone,
  };
  return { apiVersion: 'v1', kind: 'Node', metadata: { name, labels, annotations: { 'kwok.x-k8s.io/node': 'fake' } } };
}

export const nodes: readonly NodeDocument[] = [nodeDocument('node-a', 'zone-a'), nodeDocument('node-b', 'zone-b')];
