import { cycleFrom } from '#hub/environments/mod.ts';
import {
  fieldText,
  selects,
  type AppResource,
  type AppSpec,
  type EnvironmentResource,
  type LabelSelector,
  type Parsed,
  type Path,
  type Problem,
  type ProblemCode,
  type Resource,
} from '#hub/resources/mod.ts';
import { allowsNamespace, allowsSource } from '#hub/tenants/mod.ts';
import { keyOf, nameIn, outlookOf, tenantIn, type Outlook, type World } from './world.ts';

/** What only shows beside other resources: those of the same set, and what has been declared before. Pure. */
export function problemsOf(world: World, parsed: Parsed): readonly Problem[] {
  const outlook = outlookOf(world, parsed);
  const written = new Map(parsed.resources.map((resource) => [`${resource.kind}/${keyOf(resource)}`, resource]));
  const isKnown = (kind: string, key: string, known: ReadonlyMap<string, unknown>): boolean =>
    known.has(key) || parsed.broken.has(`${kind}/${key}`);
  const problems = parsed.resources.flatMap((resource) => {
    if (resource.kind !== 'Environment' && resource.kind !== 'App') return [];
    const { tenant } = resource.metadata;
    if (!isKnown('Tenant', tenant, outlook.tenants))
      return [
        problem(resource, ['metadata', 'tenant'], 'UNKNOWN_TENANT', `is ${tenant}, which is not declared`, 'apply a Tenant of that name'),
      ];
    const unknown = namedEnvironments(resource).filter(({ name }) => !isKnown('Environment', `${tenant}/${name}`, outlook.environments));
    return [
      ...unknown.map(({ name, path }) =>
        problem(
          resource,
          path,
          'UNKNOWN_ENVIRONMENT',
          `is ${name}, which tenant ${tenant} has not declared`,
          knownEnvironments(outlook, tenant),
        ),
      ),
      ...(resource.kind === 'Environment' ? cycles(resource, outlook) : []),
    ];
  });
  return [...problems, ...boundaries(outlook, written), ...overlaps(outlook, written)];
}

function problem({ origin }: Resource, path: Path, code: ProblemCode, message: string, next: string): Problem {
  return { file: origin.file, ...origin.locate(path), field: fieldText(path), code, message, next };
}

const namedEnvironments = (resource: EnvironmentResource | AppResource): { name: string; path: Path }[] =>
  resource.kind === 'App'
    ? resource.spec.targets.map(({ environment }, i) => ({ name: environment, path: ['spec', 'targets', i, 'environment'] }))
    : resource.spec.after.map((name, i) => ({ name, path: ['spec', 'after', i] }));

function knownEnvironments({ environments }: Outlook, tenant: string): string {
  const names = [...environments.keys()].filter((key) => tenantIn(key) === tenant).map(nameIn);
  return names.length === 0 ? 'apply an Environment of that name' : `apply an Environment of that name, or name one of ${names.join(', ')}`;
}

function cycles(resource: EnvironmentResource, { environments }: Outlook): Problem[] {
  const { tenant, name } = resource.metadata;
  const order = new Map([...environments].filter(([key]) => tenantIn(key) === tenant).map(([key, { after }]) => [nameIn(key), after]));
  const way = cycleFrom(name, order);
  return way
    ? [problem(resource, ['spec', 'after'], 'ENVIRONMENTS_CYCLE', `leads back to itself: ${way.join(' after ')}`, 'leave one of them out')]
    : [];
}

/** Apps stay within what their tenant is allowed, whichever of the two is being changed. */
function boundaries({ tenants, apps }: Outlook, written: ReadonlyMap<string, Resource>): Problem[] {
  return [...apps].flatMap(([key, app]) => {
    const tenant = tenants.get(tenantIn(key));
    if (!tenant) return [];
    // What is blamed is what is being written: the app itself, or the tenant that would leave it outside.
    const blame = (onApp: Path, onTenant: Path, code: ProblemCode, message: string, next: string): Problem[] => {
      const resource = written.get(`App/${key}`);
      if (resource) return [problem(resource, onApp, code, message, next)];
      const narrowed = written.get(`Tenant/${tenantIn(key)}`);
      return narrowed ? [problem(narrowed, onTenant, code, `leaves out App/${key}, which ${message}`, 'change the app first')] : [];
    };
    const { url } = app.source.git;
    return [
      ...(allowsSource(tenant, url)
        ? []
        : blame(
            ['spec', 'source', 'git', 'url'],
            ['spec', 'sources'],
            'SOURCE_REFUSED',
            `is ${url}, which is not among the sources of tenant ${tenantIn(key)}`,
            `allowed are ${tenant.sources.join(', ') || 'none'}`,
          )),
      ...app.targets.flatMap(({ namespace }, i) =>
        allowsNamespace(tenant, namespace)
          ? []
          : blame(
              ['spec', 'targets', i, 'namespace'],
              ['spec', 'namespaces'],
              'NAMESPACE_REFUSED',
              `is ${namespace}, which is not a namespace of tenant ${tenantIn(key)}`,
              `allowed are ${tenant.namespaces.join(', ') || 'none'}`,
            ),
      ),
    ];
  });
}

/** One placement follows one target: a cluster that two environments of an app select, in one namespace, could follow neither. */
function overlaps({ apps, environments, labels }: Outlook, written: ReadonlyMap<string, Resource>): Problem[] {
  const both = firstOfBoth(labels);
  return [...apps].flatMap(([key, app]) =>
    pairsOf(app).flatMap(([a, b, i]) => {
      const [left, right] = [a, b].map((name) => environments.get(`${tenantIn(key)}/${name}`)?.clusterSelector);
      const cluster = left && right ? both(left, right) : undefined;
      if (cluster === undefined) return [];
      const takingPart: readonly (readonly [string, Path])[] = [
        [`App/${key}`, ['spec', 'targets', i, 'environment']],
        [`Environment/${tenantIn(key)}/${b}`, ['spec', 'clusterSelector']],
        [`Environment/${tenantIn(key)}/${a}`, ['spec', 'clusterSelector']],
        [`Cluster/${cluster}`, ['spec', 'labels']],
      ];
      const message = `lets both ${a} and ${b} of App/${key} select cluster ${cluster} in one namespace`;
      const next = 'make their selectors exclude each other, or give the targets different namespaces';
      const blamed = takingPart.flatMap(([subject, path]) => {
        const resource = written.get(subject);
        return resource ? [problem(resource, path, 'ENVIRONMENTS_OVERLAP', message, next)] : [];
      });
      return blamed.slice(0, 1);
    }),
  );
}

/** Environments of an app that share a namespace, with the place of the second. */
const pairsOf = ({ targets }: AppSpec): [string, string, number][] =>
  targets.flatMap((b, j) =>
    targets
      .slice(0, j)
      .flatMap((a): [string, string, number][] => (a.namespace === b.namespace ? [[a.environment, b.environment, j]] : [])),
  );

/** Each pair of selectors walks the clusters once, however many apps have it. */
function firstOfBoth(labels: Outlook['labels']): (a: LabelSelector, b: LabelSelector) => string | undefined {
  const known = new Map<LabelSelector, Map<LabelSelector, string | undefined>>();
  return (a, b) => {
    const row = known.get(a) ?? new Map<LabelSelector, string | undefined>();
    known.set(a, row);
    if (!row.has(b)) row.set(b, [...labels].find(([, set]) => selects(a, set) && selects(b, set))?.[0]);
    return row.get(b);
  };
}
