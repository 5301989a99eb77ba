import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ClusterView, Page, ReleaseView, TargetView } from '#hub/api/mod.ts';
import { StartError } from './arguments.ts';

/** What the hub knows at one moment, through its own API. */
export interface Snapshot {
  readonly clusters: readonly ClusterView[];
  readonly targets: readonly TargetView[];
  readonly releases: readonly ReleaseView[];
}

/** A person's way to the hub: its HTTP API with the admin token that lies beside its keys. */
export class HubClient {
  readonly #base: string;
  readonly #token: string;

  private constructor(base: string, token: string) {
    this.#base = base;
    this.#token = token;
  }

  static async open(hubDir: string, port: number): Promise<HubClient> {
    const token = await readFile(join(hubDir, 'keys', 'admin.token'), 'utf8');
    return new HubClient(`http://127.0.0.1:${port}`, token.trim());
  }

  async ready(signal: AbortSignal): Promise<boolean> {
    return (await fetch(`${this.#base}/readyz`, { signal })).ok;
  }

  async apply(yaml: string, reason: string): Promise<void> {
    await this.#send('POST', `/v1alpha1/apply?reason=${encodeURIComponent(reason)}`, yaml, 'application/yaml');
  }

  async joinToken(cluster: string): Promise<string> {
    const body = JSON.stringify({ accepted: true, ttlMs: 3_600_000, reason: 'the local fleet starts' });
    return ((await this.#send('POST', `/v1alpha1/clusters/${cluster}/join-token`, body, 'application/json')) as { token: string }).token;
  }

  /** Looks at an app's source now instead of at the next poll. */
  async sync(tenant: string, app: string): Promise<void> {
    await this.#send('POST', `/v1alpha1/apps/${tenant}/${app}/sync`, '{}', 'application/json');
  }

  async snapshot(): Promise<Snapshot> {
    const [clusters, targets, releases] = await Promise.all([
      this.#all<ClusterView>('clusters'),
      this.#all<TargetView>('targets'),
      this.#all<ReleaseView>('releases'),
    ]);
    return { clusters, targets, releases };
  }

  async #all<T>(what: string): Promise<T[]> {
    const items: T[] = [];
    // A local fleet is small; the bound is against a hub that never says "last".
    for (let after: string | null = null, pages = 0; pages < 100; pages++) {
      const page = (await this.#send(
        'GET',
        `/v1alpha1/${what}?limit=500${after === null ? '' : `&after=${encodeURIComponent(after)}`}`,
      )) as Page<T>;
      items.push(...page.items);
      if (page.next === null) break;
      after = page.next;
    }
    return items;
  }

  async #send(method: string, path: string, body?: string, type?: string): Promise<unknown> {
    const headers = { authorization: `Bearer ${this.#token}`, ...(type ? { 'content-type': type } : {}) };
    const response = await fetch(this.#base + path, {
      method,
      headers,
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    if (response.ok) return text === '' ? {} : JSON.parse(text);
    throw new StartError('HUB_REFUSED', `${method} ${path}: ${problemText(text)}`);
  }
}

function problemText(text: string): string {
  try {
    const { code, detail } = JSON.parse(text) as { code?: string; detail?: string };
    return `${code ?? ''}: ${detail ?? text}`;
  } catch {
    return text.slice(0, 500);
  }
}
