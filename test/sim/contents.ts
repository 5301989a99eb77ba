import type { KubeObject } from '#spoke/kube/mod.ts';
import type { Dice } from './chance.ts';

export const namespace = 'shop';
/** A namespaced kind of the platform's, with a controller that says Ready. */
export const widget = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.sim.example.com' },
  spec: {
    group: 'sim.example.com',
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { size: { type: 'integer' } } },
              status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
            },
          },
        },
      },
    ],
  },
} as const satisfies KubeObject;

/** good: becomes ready. broken: never does. refused: the API server takes one of its objects for invalid. outside: one object is not the tenant's to write. */
export type Fate = 'good' | 'broken' | 'refused' | 'outside';

export interface Version {
  readonly number: number;
  readonly fate: Fate;
  readonly names: readonly string[];
}

const optional = ['alpha', 'beta', 'gamma', 'delta', 'epsilon', 'zeta'] as const;

const configMap = (name: string, data: Record<string, unknown>, more: object = {}): KubeObject => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
  data,
});

const deployment = (name: string, image: string, replicas: number): KubeObject => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name, image }] } },
  },
});

/** Objects that come, change and go from one version to the next; now and then nearly all go at once, which the brake holds back. */
export function nextVersion(dice: Dice, number: number, fate: Fate): Version {
  const share = dice.is(0.15) ? 0.1 : 0.6;
  return { number, fate, names: optional.filter(() => dice.is(share)) };
}

/** What a version is in one environment; no two versions or environments have the same. */
export function objectsOf({ number, fate, names }: Version, environment: string): readonly KubeObject[] {
  const image = fate === 'broken' ? `registry.example.com/web:broken-${number}` : `registry.example.com/web:${number}`;
  return [
    configMap('settings', { environment, version: String(number) }),
    deployment('web', image, environment === 'prod' ? 3 : 1),
    // Changes with every other version only, so that there is always something that stays.
    configMap('slow', { half: String(Math.floor(number / 2)), environment }),
    ...names.map((name, index) =>
      index % 3 === 2
        ? { apiVersion: 'sim.example.com/v1', kind: 'Widget', metadata: { name }, spec: { size: number } }
        : configMap(name, { value: `${name}-${number}-${environment}` }),
    ),
    ...(fate === 'refused' ? [configMap('wrong', { value: { is: 'no text' } })] : []),
    ...(fate === 'outside' ? [configMap('outside', { value: '1' }, { namespace: 'kube-system' })] : []),
  ];
}

/** As files of a repository, one folder for each environment. */
export const filesOf = (version: Version, environments: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    environments.map((environment) => [
      `${environment}/all.yaml`,
      objectsOf(version, environment)
        .map((object) => JSON.stringify(object))
        .join('\n---\n'),
    ]),
  );

/** Whether an object has everything that is written of it; what others added beside it is theirs. */
export function has(live: unknown, written: unknown): boolean {
  if (Array.isArray(written))
    return Array.isArray(live) && live.length === written.length && written.every((item, index) => has(live[index], item));
  if (typeof written === 'object' && written !== null)
    return (
      typeof live === 'object' &&
      live !== null &&
      Object.entries(written).every(([key, value]) => has((live as Record<string, unknown>)[key], value))
    );
  return live === written;
}
