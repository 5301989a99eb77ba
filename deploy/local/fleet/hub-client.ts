import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster, Placement, Release, ResourceList, Target } from '#hub/api/mod.ts';
import { StartError } from './arguments.ts';
import { snapshotOf, type Snapshot } from './views.ts';

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
    await this.#send('POST', `/v1alpha1/tenants/${tenant}/apps/${app}/sync`);
  }

  /** A link that lets one browser in, once and soon. */
  async pageLink(): Promise<string> {
    const { path } = (await this.#send('POST', '/v1alpha1/page/invitations')) as { path: string };
    return this.#base + path;
  }

  async snapshot(): Promise<Snapshot> {
    const [clusters, placements, targets, releases] = await Promise.all([
      this.#all<Cluster>('clusters', 'name'),
      this.#all<Placement>('placements', 'name'),
      this.#all<Target>('targets', 'name'),
      this.#all<Release>('releases', 'created'),
    ]);
    return snapshotOf({ clusters, placements, targets, releases });
  }

  async #all<T>(what: string, sort: string): Promise<T[]> {
    const items: T[] = [];
    const path = `/v1alpha1/${what}?limit=500&sort=${sort}`;
    // A local fleet is small; the bound is against a hub that never says "last".
    for (let cursor = '', pages = 0; pages < 100; pages++) {
      const page = (await this.#send('GET', `${path}${cursor && `&continue=${encodeURIComponent(cursor)}`}`)) as ResourceList;
      items.push(...(page.items as readonly T[]));
      cursor = page.metadata.continue;
      if (cursor === '') break;
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

interface Problem {
  readonly field: string;
  readonly message: string;
}

function problemText(text: string): string {
  try {
    const { code = '', detail = text, problems = [] } = JSON.parse(text) as { code?: string; detail?: string; problems?: Problem[] };
    const each = problems.slice(0, 5).map(({ field, message }) => ` ${field}: ${message}`);
    return `${code}: ${detail}${each.join(';')}`;
  } catch {
    return text.slice(0, 500);
  }
}
