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
  #cookie: string | undefined;

  constructor({ fleet, data }: Stage) {
    this.#base = `http://127.0.0.1:${fleet.ports.api}`;
    this.#tokenFile = join(data, 'hub', 'keys', 'admin.token');
  }

  async get<T>(path: string): Promise<T> {
    const response = await this.#fetch(path, { headers: await this.#authorized() });
    if (!response.ok) throw new Error(`GET ${path}: ${response.status}`);
    return (await response.json()) as T;
  }

  status = (): Promise<FleetStatus> => this.get<FleetStatus>('/v1alpha1/status');

  placements = async (): Promise<readonly Placement[]> =>
    (await this.get<ResourceList>('/v1alpha1/placements?limit=500')).items as readonly Placement[];

  /** As a browser that was let in: the HTML of the page at `/`. */
  async page(): Promise<string> {
    this.#cookie ??= await this.#invited();
    const response = await this.#fetch('/', { headers: { cookie: this.#cookie } });
    if (!response.ok) throw new Error(`GET /: ${response.status}`);
    return response.text();
  }

  /** With a link as `wheelhouse page` prints it. */
  async #invited(): Promise<string> {
    const asked = await this.#fetch('/v1alpha1/page/invitations', { method: 'POST', headers: await this.#authorized() });
    const { path } = (await asked.json()) as { path: string };
    const body = new URLSearchParams({ code: path.slice(path.indexOf('#') + 1) });
    const entered = await this.#fetch('/login', { method: 'POST', body, redirect: 'manual', headers: { origin: this.#base } });
    const [cookie = ''] = (entered.headers.get('set-cookie') ?? '').split(';');
    if (cookie === '') throw new Error(`the page lets nobody in: ${entered.status}`);
    return cookie;
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

  #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(this.#base + path, { ...init, signal: AbortSignal.timeout(askMaxMs) });
  }

  async #authorized(): Promise<{ authorization: string }> {
    return { authorization: `Bearer ${(await readFile(this.#tokenFile, 'utf8')).trim()}` };
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
  {
    name: 'page',
    // What is wrong is a list there: one heading each, and below it why, and where.
    shows: async (cluster, { health, reason }) => {
      const [, section = ''] = (await hub.page()).split('id="section-wrong"');
      const [, ...wrongs] = (section.split('</section>')[0] ?? '').split('<h3>');
      const texts = wrongs.map((one) => one.replaceAll(/<[^>]*>/g, ' '));
      return texts.some((text) => text.includes(cluster) && text.includes(health) && reason.test(text));
    },
  },
];
