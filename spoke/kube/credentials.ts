import type { KubeConfig } from '@kubernetes/client-node';
import { codeOf } from '../../shared/kernel/mod.ts';
import { KubeError } from './errors.ts';

/** What a TLS connection to the API server is made of; PEM. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export interface Credential {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
}

/** Where the API server is and how to be somebody there. */
export interface Credentials {
  readonly server: string;
  readonly proxy?: string;
  /** What is valid now. `refused`: the API server did not accept the last one, so nothing cached may be given again. */
  current(refused: boolean): Promise<Credential>;
}

/** A context of a kubeconfig file; the current one when none is named. Rejects with CONFIG. */
export const kubeconfigCredentials = (path: string, context?: string): Promise<Credentials> =>
  credentialsOf(`kubeconfig ${path}`, (config) => {
    config.loadFromFile(path);
    if (context !== undefined) config.setCurrentContext(context);
  });

/** The service account of the pod this process runs in. Rejects with CONFIG. */
export const inClusterCredentials = (): Promise<Credentials> =>
  credentialsOf('in-cluster configuration', (config) => config.loadFromCluster());

async function credentialsOf(what: string, fill: (config: KubeConfig) => void): Promise<Credentials> {
  // Half a second and sixty megabytes: only who talks to a real cluster pays for it.
  const client = await import('@kubernetes/client-node');
  const load = (): KubeConfig => {
    try {
      const config = new client.KubeConfig();
      fill(config);
      return config;
    } catch (error) {
      // A parser shows the line it stumbled over, and that line may be a token.
      throw new KubeError('CONFIG', `${what} cannot be read: ${codeOf(error) ?? 'it is no kubeconfig'}`);
    }
  };
  let config = load();
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new KubeError('CONFIG', `${what}: context "${config.getCurrentContext()}" names no cluster that is there`);
  if (!config.getCurrentUser())
    throw new KubeError('CONFIG', `${what}: context "${config.getCurrentContext()}" names no user that is there`);
  if (cluster.proxyUrl?.startsWith('socks')) throw new KubeError('CONFIG', `${what}: SOCKS proxies are not supported; use an HTTP one`);
  return {
    server: cluster.server,
    ...(cluster.proxyUrl ? { proxy: cluster.proxyUrl } : {}),
    current: async (refused) => {
      // The library keeps an exec plugin's token until it expires, revoked or not: only a new object asks the plugin again.
      if (refused) config = load();
      return await credentialOf(config, what);
    },
  };
}

interface Options {
  headers?: Record<string, string>;
  auth?: string;
  ca?: string | Buffer;
  cert?: string | Buffer;
  key?: string | Buffer;
  servername?: string;
  rejectUnauthorized?: boolean;
}

async function credentialOf(config: KubeConfig, what: string): Promise<Credential> {
  const options: Options = {};
  try {
    await config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
  } catch {
    // An exec plugin's last words may hold what it was given to sign in with.
    throw new KubeError(
      'CONFIG',
      `${what} gives no credential: a file it names cannot be read, its exec plugin failed, or it names plain HTTP`,
    );
  }
  const headers = { ...options.headers };
  if (options.auth !== undefined) headers['Authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  return {
    headers,
    tls: {
      ...(options.ca === undefined ? {} : { ca: String(options.ca) }),
      ...(options.cert === undefined ? {} : { cert: String(options.cert) }),
      ...(options.key === undefined ? {} : { key: String(options.key) }),
      ...(options.servername === undefined ? {} : { servername: options.servername }),
      ...(options.rejectUnauthorized === undefined ? {} : { rejectUnauthorized: options.rejectUnauthorized }),
    },
  };
}
