// What people and programs are shown: the API, the command, the page. Nothing here knows more than they do.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock } from '#shared/clock/mod.ts';
import type { FleetStatus, Placement, ResourceList } from '#hub/api/mod.ts';
import { run } from '#hub/cli/mod.ts';
import { app, type ClusterName, type Stage } from './stages.ts';

const askMaxMs = 5_000;

/** What a case is to be shown as. */
export interface Truth {
  readonly health: 'Unknown' | 'Degraded' | 'Progressing';
  readonly reason: RegExp;
  /** Of convergence, where the case is about that. */
  readonly convergence?: string;
}

export interface View {
  readonly name: string;
  /** Whether it shows the cluster as that. */
  readonly shows: (cluster: ClusterName, truth: Truth) => Promise<boolean>;
}

export class Hub {
  readonly #base: string;
  readonly #tokenFile: string;

  constructor({ fleet, data }: Stage) {
    this.#base = `http://127.0.0.1:${fleet.ports.api}`;
    this.#tokenFile = join(data, 'hub', 'keys', 'admin.token');
  }

  async get<T>(path: string): Promise<T> {
    const response = await this.#fetch(path);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    return (await response.json()) as T;
  }

  status = (): Promise<FleetStatus> => this.get<FleetStatus>('/v1alpha1/status');

  placements = async (): Promise<readonly Placement[]> =>
    (await this.get<ResourceList>('/v1alpha1/placements?limit=500')).items as readonly Placement[];

  /** undefined: this hub has no page. */
  async page(): Promise<string | undefined> {
    const response = await this.#fetch('/');
    const isPage = response.ok && response.headers.get('content-type')?.startsWith('text/html');
    return isPage ? response.text() : undefined;
  }

  async command(...words: readonly string[]): Promise<string> {
    let said = '';
    await run(words, {
      env: { WHEELHOUSE_URL: this.#base, WHEELHOUSE_TOKEN_FILE: this.#tokenFile, NO_COLOR: '1' },
      home: '/nowhere',
      folder: '/',
      clock: systemClock,
      fetch: (url, init) => fetch(url, init),
      out: (text) => void (said += text),
      err: (text) => void (said += text),
      stdin: () => Promise.resolve(''),
      terminal: false,
      stop: AbortSignal.timeout(askMaxMs),
    });
    return said;
  }

  async #fetch(path: string): Promise<Response> {
    const token = (await readFile(this.#tokenFile, 'utf8')).trim();
    return fetch(this.#base + path, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(askMaxMs) });
  }
}

const isAbout = (name: string, cluster: ClusterName): boolean => name === cluster || name.startsWith(`${cluster}.`);

export const isShown = (status: Pick<Placement['status'], 'health' | 'reason' | 'convergence'>, truth: Truth): boolean =>
  status.health === truth.health && truth.reason.test(status.reason) && (!truth.convergence || status.convergence === truth.convergence);

/** A line of text that names the cluster, how it is and why. */
const lineShows = (text: string, cluster: ClusterName, { health, reason }: Truth): boolean =>
  text.split('\n').some((line) => line.includes(cluster) && line.includes(health) && reason.test(line));

export const viewsOf = (hub: Hub): readonly View[] => [
  {
    name: 'api: placements',
    shows: async (cluster, truth) =>
      (await hub.placements()).some(({ spec, status }) => spec.cluster === cluster && isShown(status, truth)),
  },
  {
    name: 'api: status',
    shows: async (cluster, { health, reason }) => {
      const { worst } = await hub.status();
      return worst.some((one) => isAbout(one.name, cluster) && one.health === health && reason.test(one.reason));
    },
  },
  {
    name: 'wheelhouse get',
    shows: async (cluster, truth) => lineShows(await hub.command('get', 'placements', '-o', 'wide'), cluster, truth),
  },
  {
    name: 'wheelhouse explain',
    shows: async (cluster, { health, reason }) => {
      const said = await hub.command('explain', `${cluster}/${app.tenant}/${app.app}`);
      return said.includes(`${cluster}/${app.tenant}/${app.app} ${health}`) && reason.test(said);
    },
  },
  {
    name: 'wheelhouse status',
    // Ten lines: what does not fit into them is counted there and named in its document.
    shows: async (cluster, truth) => {
      const lines = await hub.command('status');
      if (lineShows(lines, cluster, truth)) return true;
      if (!/^and .*more: /m.test(lines)) return false;
      const { worst } = JSON.parse(await hub.command('status', '-o', 'json')) as FleetStatus;
      return worst.some((one) => isAbout(one.name, cluster) && one.health === truth.health && truth.reason.test(one.reason));
    },
  },
];

/** By the text of its HTML: tags apart, what stands near the cluster's name. */
export const pageView = (hub: Hub): View => ({
  name: 'page',
  shows: async (cluster, { health, reason }) => {
    const text = ((await hub.page()) ?? '').replaceAll(/<[^>]*>/g, ' ').replaceAll(/\s+/g, ' ');
    return text.split(cluster).some((after, i) => i > 0 && after.slice(0, 400).includes(health) && reason.test(after.slice(0, 400)));
  },
});
