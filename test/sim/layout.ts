import { Chance } from './chance.ts';
import { namespace } from './contents.ts';

/** What of a fleet is drawn before it starts. */
export interface Layout {
  /** name -> clusters, in order of promotion. */
  readonly environments: ReadonlyMap<string, readonly string[]>;
  readonly maxConcurrent: number;
}

/** Four to seven clusters in two or three environments. */
export function layoutOf(seed: number): Layout {
  const dice = new Chance(seed).dice('layout');
  const sizes: readonly (readonly [name: string, clusters: number])[] = dice.is(0.4)
    ? [
        ['dev', dice.between(1, 2)],
        ['staging', dice.between(1, 2)],
        ['prod', dice.between(2, 3)],
      ]
    : [
        ['dev', 2],
        ['prod', dice.between(2, 4)],
      ];
  const named = sizes.map(([name, clusters]) => [name, Array.from({ length: clusters }, (_, n) => `${name}-${n + 1}`)] as const);
  return { environments: new Map(named), maxConcurrent: dice.between(1, 2) };
}

const apiVersion = 'wheelhouse.dev/v1alpha1';
const tenant = 'acme';

/** As somebody would declare it, with other parameters perhaps. */
export function environmentOf(
  { environments, maxConcurrent }: Layout,
  name: string,
  parameters: Readonly<Record<string, string>> = {},
): object {
  const names = [...environments.keys()];
  const before = names[names.indexOf(name) - 1];
  return {
    apiVersion,
    kind: 'Environment',
    metadata: { tenant, name },
    spec: {
      clusterSelector: { matchLabels: { stage: name } },
      after: before === undefined ? [] : [before],
      promotion: { mode: 'Automatic' },
      rollout: { maxConcurrent, healthTimeout: '2m' },
      parameters,
    },
  };
}

/** Everything that is declared at first: one tenant with one app in every environment. */
export function resourcesOf(layout: Layout): readonly object[] {
  const environments = [...layout.environments.keys()];
  const source = { git: { url: 'https://git.example.com/acme/web', ref: { branch: 'main' } } };
  const targets = environments.map((environment) => ({ environment, namespace, path: environment }));
  const spec = { sources: ['https://git.example.com/**'], namespaces: [namespace], kinds: ['*'], serviceAccount: tenant };
  return [
    { apiVersion, kind: 'Tenant', metadata: { name: tenant }, spec },
    ...environments.map((name) => environmentOf(layout, name)),
    { apiVersion, kind: 'App', metadata: { tenant, name: 'web' }, spec: { source, targets } },
    ...[...layout.environments].flatMap(([stage, names]) =>
      names.map((name) => ({ apiVersion, kind: 'Cluster', metadata: { name }, spec: { labels: { stage } } })),
    ),
  ];
}
