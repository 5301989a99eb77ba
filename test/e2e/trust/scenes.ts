// A whole fleet for a test, and what tests about trust ask of it: the hub's own answers, its record, the API server's audit log, a spoke's Secret.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';
import {
  startLocalFleet,
  type ClusterView,
  type Fleet,
  type FleetOptions,
  type LocalCluster,
  type PlacementView,
  verdictOf,
} from '#deploy/local/fleet/mod.ts';
import { temporaryFolder } from '#deploy/local/processes/mod.ts';
import { Identity } from '#proto/mod.ts';
import type { ControlPlane } from '#test/kube/mod.ts';
import { until } from './waits.ts';

export type Row = Readonly<Record<string, SQLOutputValue>>;

export interface Scene extends AsyncDisposable {
  readonly fleet: Fleet;
  readonly data: string;
  readonly beatMs: number;
  /** Waits until every app is Healthy in every environment, as the hub knows it. */
  done(): Promise<void>;
  cluster(name: string): Promise<ClusterView>;
  placement(cluster: string, app: string): Promise<PlacementView>;
  /** Rows of the record, read beside the hub that writes it. */
  rows(sql: string, ...values: readonly (string | number)[]): readonly Row[];
  commit(repository: string, files: Readonly<Record<string, string | null>>, message: string): Promise<string>;
}

export interface SceneOptions extends Pick<FleetOptions, 'clusters' | 'apps' | 'declare' | 'env'> {
  readonly beatMs?: number;
}

const real = { kubernetes: 'real' } as const;
const author = { name: 'Ada', email: 'ada@example.com' };

/** Fast beats and polls; everything is gone when it is disposed of. */
export async function openScene({ beatMs = 500, env, ...options }: SceneOptions): Promise<Scene> {
  const folder = temporaryFolder('trust');
  const data = folder.path;
  try {
    const settings = { WHEELHOUSE_BEAT: `${beatMs}ms`, WHEELHOUSE_POLL: '500ms', ...env };
    const fleet = await startLocalFleet({ ...real, ...options, data, env: settings, log: () => {}, signal: AbortSignal.timeout(180_000) });
    const cluster = async (name: string): Promise<ClusterView> => {
      const found = (await fleet.hub.snapshot()).clusters.find((one) => one.name === name);
      if (!found) throw new Error(`the hub knows no cluster ${name}`);
      return found;
    };
    return {
      fleet,
      data,
      beatMs,
      cluster,
      placement: async (name, app) => {
        const found = (await cluster(name)).placements.find((one) => one.app === app);
        if (!found) throw new Error(`${app} is not placed on ${name}`);
        return found;
      },
      done: async () => {
        await until('everything is healthy', async () => {
          const verdict = verdictOf(fleet.job, await fleet.hub.snapshot());
          if (verdict.state === 'failed') throw new Error(verdict.reason);
          return verdict.state === 'done' || verdict.missing;
        });
      },
      rows: (sql, ...values) => rowsOf(join(data, 'hub'), sql, values),
      commit: async (repository, files, message) => {
        const commit = await fleet.git.commitFiles(repository, files, message, author);
        const [tenant = '', app = ''] = repository.split('/');
        await fleet.hub.sync(tenant, app);
        return commit;
      },
      [Symbol.asyncDispose]: async () => {
        await fleet[Symbol.asyncDispose]();
        folder[Symbol.dispose]();
      },
    };
  } catch (error) {
    folder[Symbol.dispose]();
    throw error;
  }
}

export function rowsOf(hubDir: string, sql: string, values: readonly (string | number)[] = []): readonly Row[] {
  using record = new DatabaseSync(join(hubDir, 'record.db'), { readOnly: true });
  return record.prepare(sql).all(...values);
}

/** A ConfigMap and, if it is to be waited for, a Deployment: the least that an app can be. */
export const manifests = (value: string, image = 'registry.example.org/app:1'): string => `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  VALUE: ${JSON.stringify(value)}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: app
spec:
  replicas: 1
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers: [{name: app, image: ${JSON.stringify(image)}, env: [{name: VALUE, value: ${JSON.stringify(value)}}]}]
`;

export function planeOf(clusters: readonly LocalCluster[], name: string): ControlPlane {
  const plane = clusters.find((one) => one.name === name)?.plane;
  if (!plane) throw new Error(`${name} is no control plane of this test`);
  return plane;
}

/** Output of a kubectl that has to succeed. */
export async function kubectl(plane: ControlPlane, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await plane.kubectl(...args);
  if (code !== 0) throw new Error(`kubectl ${args.slice(0, 3).join(' ')}: ${stderr.trim()}`);
  return stdout;
}

const own = /^system:serviceaccount:wheelhouse-(system:wheelhouse-spoke|tenants:)/;
const mutating = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

/** What the spoke and the tenants' accounts have changed, as the API server saw it: "verb namespace/resource/name", in order; dry runs and reviews apart. */
export function changesOn(plane: ControlPlane): readonly string[] {
  return readFileSync(plane.auditLog, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as AuditEvent)
    .filter(({ user, impersonatedUser }) => own.test(impersonatedUser?.username ?? user.username))
    .filter(({ stage, verb, requestURI }) => stage === 'ResponseComplete' && mutating.has(verb) && !/[?&]dryRun=/.test(requestURI))
    .filter(({ objectRef }) => !objectRef?.resource?.endsWith('reviews'))
    .map(({ verb, objectRef: { namespace = '', resource = '', name = '' } = {} }) => `${verb} ${namespace}/${resource}/${name}`);
}

interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly requestURI: string;
  readonly user: { readonly username: string };
  readonly impersonatedUser?: { readonly username: string };
  readonly objectRef?: { readonly namespace?: string; readonly resource?: string; readonly name?: string };
}

export type SecretData = Readonly<Record<string, Buffer>>;

/** What a Secret of the spoke holds; undefined: it is not there. */
export async function secretOf(plane: ControlPlane, name: string): Promise<SecretData | undefined> {
  const text = await kubectl(plane, 'get', 'secret', name, '-n', 'wheelhouse-system', '-o', 'json', '--ignore-not-found');
  if (text.trim() === '') return undefined;
  const { data = {} } = JSON.parse(text) as { data?: Record<string, string> };
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')]));
}

export interface Stolen {
  readonly keyPem: string;
  readonly natsSeed: string;
  readonly identity: Identity;
  readonly kubeSystemUid: string;
}

/** All that a spoke knows about itself, as somebody finds it who has taken over its cluster. */
export async function stealIdentity(plane: ControlPlane): Promise<Stolen> {
  const secret = await secretOf(plane, 'wheelhouse-identity');
  const { identity, 'key.pem': key, 'nats-seed': seed } = secret ?? {};
  if (!identity || !key || !seed) throw new Error(`the spoke of ${plane.name} has no identity yet`);
  const kubeSystemUid = await kubectl(plane, 'get', 'namespace', 'kube-system', '-o', 'jsonpath={.metadata.uid}');
  return { keyPem: key.toString(), natsSeed: seed.toString(), identity: Identity.decode(identity), kubeSystemUid };
}
