import type { Clock } from '#shared/clock/mod.ts';
import { CodedError, type Inputs } from '#shared/kernel/mod.ts';
import type { Discovery, KindInfo, KubeClient, KubeObject } from '#spoke/kube/mod.ts';
import { isClosedNamespace } from '#spoke/plan/mod.ts';
import { tenantsNamespace } from '#spoke/state/mod.ts';

export class TenancyError extends CodedError<'CLOSED_NAMESPACE' | 'NOT_SERVED' | 'FOREIGN_BINDING'> {
  override readonly name = 'TenancyError';
}

/** Shipped with the spoke; the only role that it may bind. */
const tenantRole = 'wheelhouse-tenant';

export const accountOf = (serviceAccount: string): string => `system:serviceaccount:${tenantsNamespace}:${serviceAccount}`;

/** What must exist before anything is applied for a tenant: its account, the target namespace, its rights in each of its namespaces that exist. Pure. */
export function tenantObjects(inputs: Inputs, existing: ReadonlySet<string>): KubeObject[] {
  const account = { kind: 'ServiceAccount', name: inputs.serviceAccount, namespace: tenantsNamespace };
  const managed = { 'app.kubernetes.io/managed-by': 'wheelhouse' };
  const namespaces = inputs.allow.namespaces.filter((namespace) => namespace === inputs.namespace || existing.has(namespace));
  return [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: account.name, namespace: account.namespace, labels: managed } },
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: inputs.namespace, labels: managed } },
    ...namespaces.map((namespace) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: bindingName(inputs.serviceAccount), namespace, labels: managed },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: tenantRole },
      subjects: [account],
    })),
  ];
}

/** An authoriser learns of a new binding a moment after it was written. */
const effectiveMaxMs = 5_000;
const effectivePollMs = 50;

const bindingName = (serviceAccount: string): string => `wheelhouse-tenant-${serviceAccount}`;

/**
 * Makes sure of a tenant's account and its rights, under the spoke's own account. Creates what is missing and changes nothing that is there: steady state
 * reads, and writes nothing.
 */
export class Tenancy {
  readonly #kube: KubeClient;
  readonly #clock: Clock;
  /** Namespace and account of bindings made by this process: everybody who needs one waits for the same. */
  readonly #effective = new Map<string, Promise<void>>();

  constructor(kube: KubeClient, clock: Clock) {
    this.#kube = kube;
    this.#clock = clock;
  }

  async ensure(inputs: Inputs, discovery: Discovery, signal: AbortSignal): Promise<void> {
    const bad = [inputs.namespace, ...inputs.allow.namespaces].find(isClosedNamespace);
    if (bad !== undefined) throw new TenancyError('CLOSED_NAMESPACE', `namespace ${bad} is closed to tenants`);
    if (!inputs.allow.namespaces.includes(inputs.namespace))
      throw new TenancyError('CLOSED_NAMESPACE', `namespace ${inputs.namespace} is not one of the tenant's`);
    const existing = new Set<string>();
    const namespaces = kindOf(discovery, '', 'Namespace');
    for (const name of inputs.allow.namespaces) if (await this.#kube.get(namespaces, '', name, signal)) existing.add(name);
    for (const object of tenantObjects(inputs, existing)) {
      const created = await this.#create(object, discovery, existing, signal);
      const key = `${object.metadata.namespace}/${inputs.serviceAccount}`;
      if (created && object.kind === 'RoleBinding') this.#effective.set(key, this.#untilEffective(object, inputs, discovery, signal));
      if (object.kind === 'RoleBinding') await this.#effective.get(key);
    }
  }

  /**
   * Until the account may do what it was just given, asked by a dry run; else its first apply would be refused for no lasting reason. Waits a few seconds at
   * most: a platform may grant something else, and what is still denied then is said by the apply itself.
   */
  async #untilEffective(
    { metadata: { namespace = '' } }: KubeObject,
    inputs: Inputs,
    discovery: Discovery,
    signal: AbortSignal,
  ): Promise<void> {
    const probe = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: bindingName(inputs.serviceAccount), namespace } };
    const options = { as: accountOf(inputs.serviceAccount), dryRun: true };
    const until = this.#clock.monotonicMs() + effectiveMaxMs;
    while (this.#clock.monotonicMs() < until) {
      try {
        await this.#kube.create(kindOf(discovery, '', 'ConfigMap'), probe, options, signal);
        return;
      } catch (error) {
        if ((error as { code?: string }).code !== 'FORBIDDEN') return;
      }
      await this.#clock.sleep(effectivePollMs, signal).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  async #create(object: KubeObject, discovery: Discovery, existing: ReadonlySet<string>, signal: AbortSignal): Promise<boolean> {
    const { name, namespace = '' } = object.metadata;
    if (object.kind === 'Namespace' && existing.has(name)) return false;
    const kind = kindOf(discovery, object.apiVersion.includes('/') ? object.apiVersion.split('/')[0] : '', object.kind);
    const found = await this.#kube.get(kind, namespace, name, signal);
    if (found) {
      checkBinding(found, object);
      return false;
    }
    try {
      await this.#kube.create(kind, object, {}, signal);
      return true;
    } catch (error) {
      // Another assignment of the tenant was first.
      if ((error as { code?: string }).code !== 'ALREADY_EXISTS') throw error;
      return false;
    }
  }
}

/** A binding of that name that grants something else is somebody's, and not taken for ours. */
function checkBinding(found: KubeObject, wanted: KubeObject): void {
  if (wanted.kind !== 'RoleBinding') return;
  const { name } = found['roleRef'] as { name?: string };
  if (name !== tenantRole)
    throw new TenancyError(
      'FOREIGN_BINDING',
      `RoleBinding ${found.metadata.namespace}/${found.metadata.name} binds ${name}, not ${tenantRole}: remove or rename it`,
    );
}

function kindOf(discovery: Discovery, group: string | undefined, kind: string): KindInfo {
  const found = discovery.kinds.find((info) => info.group === (group ?? '') && info.kind === kind);
  if (!found)
    throw new TenancyError(
      'NOT_SERVED',
      `the API server does not serve ${kind} (discovery is ${discovery.complete ? 'complete' : 'partial'})`,
    );
  return found;
}
