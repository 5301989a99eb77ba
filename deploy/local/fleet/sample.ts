import type { Job } from './verdict.ts';

export type Files = Readonly<Record<string, string>>;

export interface SampleApp {
  readonly tenant: string;
  readonly app: string;
  readonly namespace: string;
  readonly files: Files;
}

/** Which environments a fleet of that many clusters has, and which cluster is in which: the first ones first, what is left over is production. */
export function environmentsOf(clusters: number): readonly string[] {
  const all = ['dev', 'staging', 'prod'];
  return clusters === 1 ? ['dev'] : clusters === 2 ? ['dev', 'prod'] : all;
}

/** Of six clusters one is for development and two for staging; the rest is production, as in most fleets. */
export function environmentOf(index: number, clusters: number): string {
  if (clusters === 1) return 'dev';
  if (clusters === 2) return index === 0 ? 'dev' : 'prod';
  const dev = Math.max(1, Math.floor(clusters / 6));
  const staging = Math.max(1, Math.floor(clusters / 3));
  return index < dev ? 'dev' : index < dev + staging ? 'staging' : 'prod';
}

const regions = ['eu-central', 'us-east', 'ap-south'];
export const regionOf = (index: number): string => regions[index % regions.length] ?? '';

export const clusterNames = (count: number): string[] => {
  const seen = new Map<string, number>();
  return Array.from({ length: count }, (_, index) => {
    const environment = environmentOf(index, count);
    const n = (seen.get(environment) ?? 0) + 1;
    seen.set(environment, n);
    return `${environment}-${n}`;
  });
};

const deployment = (name: string, image: string, replicas: number, config: string): string => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
spec:
  replicas: ${replicas}
  selector:
    matchLabels:
      app: ${name}
  template:
    metadata:
      labels:
        app: ${name}
    spec:
      containers:
        - name: ${name}
          image: ${image}
          envFrom:
            - configMapRef:
                name: ${config}
          resources:
            requests:
              cpu: 10m
              memory: 16Mi
`;

const service = (name: string): string => `apiVersion: v1
kind: Service
metadata:
  name: ${name}
spec:
  selector:
    app: ${name}
  ports:
    - port: 80
      targetPort: 8080
`;

const config = (name: string, data: Files): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: ${name}
data:
${Object.entries(data)
  .map(([key, value]) => `  ${key}: ${JSON.stringify(value)}`)
  .join('\n')}
`;

/** A shop with a directory per environment. */
function shop(environments: readonly string[]): Files {
  const replicas: Readonly<Record<string, number>> = { dev: 1, staging: 2, prod: 3 };
  return Object.fromEntries(
    environments.flatMap((environment) => [
      [`${environment}/config.yaml`, config('shop-settings', { STAGE: environment, GREETING: 'Welcome to the shop' })],
      [`${environment}/web.yaml`, deployment('web', 'registry.example.org/shop/web:1.4.0', replicas[environment] ?? 1, 'shop-settings')],
      [`${environment}/service.yaml`, service('web')],
    ]),
  );
}

/** A ledger that is the same everywhere. */
const ledger: Files = {
  'config.yaml': config('ledger-settings', { CURRENCY: 'EUR' }),
  'api.yaml': deployment('api', 'registry.example.org/ledger/api:2.1.3', 2, 'ledger-settings'),
  'service.yaml': service('api'),
};

export const sampleApps = (environments: readonly string[]): SampleApp[] => [
  { tenant: 'storefront', app: 'shop', namespace: 'shop', files: shop(environments) },
  { tenant: 'payments', app: 'ledger', namespace: 'ledger', files: ledger },
];

export interface Declared {
  readonly clusters: readonly { readonly name: string; readonly environment: string; readonly region?: string }[];
  readonly environments: readonly string[];
  /** How long a workload may take to become ready: `60s`. */
  readonly healthTimeout: string;
  readonly apps: readonly {
    readonly tenant: string;
    readonly app: string;
    /** The first is where objects go that name none. */
    readonly namespaces: readonly string[];
    readonly kinds: readonly string[];
    readonly gitUrl: string;
  }[];
}

/** Everything that is declared at the hub, as the YAML that a person would write. */
export function resourcesYaml({ clusters, environments, healthTimeout, apps }: Declared): string {
  const document = (kind: string, metadata: object, spec: object): string =>
    JSON.stringify({ apiVersion: 'wheelhouse.dev/v1alpha1', kind, metadata, spec }, null, 2);
  return [
    ...clusters.map(({ name, environment, region }) =>
      document('Cluster', { name }, { labels: { environment, ...(region ? { region } : {}) } }),
    ),
    ...apps.flatMap(({ tenant, app, namespaces, kinds, gitUrl }) => [
      document('Tenant', { name: tenant }, { sources: [gitUrl], namespaces, kinds, serviceAccount: tenant }),
      ...environments.map((environment, index) =>
        document(
          'Environment',
          { tenant, name: environment },
          {
            clusterSelector: { matchLabels: { environment } },
            after: environments.slice(Math.max(0, index - 1), index),
            // Before the first release an environment has nothing that a release could change; what is the same everywhere is never exercised twice.
            promotion: { mode: 'Automatic', allowUnexercised: true },
            rollout: { maxConcurrent: Math.max(2, Math.ceil(clusters.length / 10)), healthTimeout },
            parameters: { stage: environment },
          },
        ),
      ),
      document(
        'App',
        { tenant, name: app },
        {
          source: { git: { url: gitUrl, ref: { branch: 'main' } } },
          targets: environments.map((environment) => ({ environment, namespace: namespaces[0] })),
        },
      ),
    ]),
  ].join('\n---\n');
}

export const jobOf = (declared: Declared, commits: ReadonlyMap<string, string>): Job => ({
  apps: declared.apps.map(({ tenant, app }) => ({
    tenant,
    app,
    commit: commits.get(`${tenant}/${app}`) ?? '',
    environments: declared.environments,
  })),
  clusters: declared.clusters.map(({ name }) => name),
});
