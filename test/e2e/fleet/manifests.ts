type Files = Readonly<Record<string, string>>;

/** YAML is JSON too: nothing here is written by hand. */
const document = (value: object): string => JSON.stringify(value, null, 2);

export const configMap = (name: string, data: Files, namespace?: string): string =>
  document({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...(namespace ? { namespace } : {}) }, data });

interface Workload {
  readonly image?: string;
  readonly replicas?: number;
  readonly nodeSelector?: Files;
}

export const deployment = (name: string, { image = 'registry.example.org/app:1', replicas = 1, nodeSelector }: Workload = {}): string => {
  const labels = { app: name };
  const spec = { containers: [{ name, image }], ...(nodeSelector ? { nodeSelector } : {}) };
  return document({
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name },
    spec: { replicas, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  });
};

/** No node of a test cluster has it. */
export const nowhere: Files = { 'example.org/there-is-none': 'true' };
