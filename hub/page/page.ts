import type { Asking, Inviter, Page, PageAnswer, PageRequest, Sessions } from '#hub/api/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { explain, type Random } from '#shared/kernel/mod.ts';
import type { Log } from '#shared/telemetry/mod.ts';
import { loadAssets } from './assets.ts';
import { loginDocument, pageDocument, problemDocument, sections, strangerDocument } from './documents.ts';
import { Doors } from './doors.ts';
import { cookieName, cookieOf, isOurs, isSameSite } from './hosts.ts';
import { Live, type Drawn, type Guest } from './live.ts';
import { closerAt, fleetAt, type Look } from './questions.ts';

export interface PageOptions {
  readonly sessions: Sessions;
  /** Names under which browsers may ask for this hub, beside addresses and `localhost`. */
  readonly names: readonly string[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Pick<Log, 'error'>;
}

// Nothing from elsewhere, nothing inline, in nobody's frame; and nobody else is told where a person came from. The hub itself is: a browser that may not tell
// it says `Origin: null` of every form, so that ours could not be known from others', nor TLS be seen.
const guards = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const;

const document = (status: number, body: string, more: Readonly<Record<string, string>> = {}): PageAnswer => ({
  status,
  headers: { ...guards, 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store', ...more },
  body,
});

const nameMax = 63;

/** The page of a hub: who may see it, and what is drawn of the API's answers. */
export class FleetPage implements Page {
  readonly #options: PageOptions;
  readonly #doors: Doors;
  readonly #assets = loadAssets();
  #live: Live | undefined;

  constructor(options: PageOptions) {
    this.#options = options;
    this.#doors = new Doors(options.clock, options.random);
  }

  invite(by: Inviter): { readonly code: string; readonly expiresAt: number } {
    return this.#doors.invite(by);
  }

  async answer(request: PageRequest, api: Asking): Promise<PageAnswer> {
    const { pathname, searchParams } = new URL(request.url, 'http://hub');
    try {
      if (!isOurs(request.headers['host'], this.#options.names))
        return this.#problem(
          421,
          'Not this hub',
          'A name was used that this hub does not know as its own. Use its address, or WHEELHOUSE_ADVERTISED_HOST.',
        );
      if (pathname.startsWith('/page/') && pathname !== '/page/stream') return this.#asset(pathname.slice('/page/'.length));
      if (request.method === 'POST' && !isSameSite(request.headers))
        return this.#problem(403, 'Not from here', 'Another site sent this form.');
      if (pathname === '/login') return request.method === 'POST' ? await this.#login(request) : document(200, loginDocument(this.#assets));
      const token = cookieOf(request.headers['cookie'], cookieName(request.headers['host']));
      if (pathname === '/logout') return await this.#logout(request, token);
      const isWelcome = async (): Promise<boolean> => (await this.#options.sessions.find(token)) !== undefined;
      if (!(await isWelcome())) return document(401, strangerDocument(this.#assets));
      const named = (searchParams.get('cluster') ?? '').slice(0, nameMax);
      const cluster = isName.test(named) ? named : '';
      const live = (this.#live ??= new Live(this.#options.clock, (cluster, whole) => this.#draw(cluster, api, whole)));
      if (pathname === '/page/stream')
        return this.#stream(live, cluster, { isWelcome, onEnded: (listener) => this.#options.sessions.onEnded(listener) }, request.signal);
      return document(200, pageDocument((await live.look(cluster)).look, this.#assets));
    } catch (error) {
      this.#options.log.error('the page could not be drawn', { path: pathname, reason: explain(error) });
      return this.#problem(500, 'The hub could not answer', 'Look into its log. Reload to ask again.');
    }
  }

  /** The fleet is looked at once for everybody; beside it only the one cluster that somebody looks at closer. */
  async #draw(cluster: string, { ask, together }: Asking, whole: () => Promise<Drawn>): Promise<Drawn> {
    const { clock } = this.#options;
    if (cluster !== '') {
      const fleet = await whole();
      const look = await closerAt(cluster, ask, clock, fleet.look);
      return { look, sections: new Map([...fleet.sections, ...drawn(look, ['closer'])]) };
    }
    const look = await together(fleetAt);
    return { look, sections: new Map(drawn(look, Object.keys(sections))) };
  }

  #problem(status: number, title: string, text: string): PageAnswer {
    return document(status, problemDocument(this.#assets, title, text));
  }

  #asset(name: string): PageAnswer {
    const asset = this.#assets.files.get(name);
    if (!asset) return this.#problem(404, 'Nothing here', 'There is no such file.');
    return { status: 200, headers: { ...guards, 'content-type': asset.type, 'cache-control': 'no-cache' }, body: asset.text };
  }

  #stream(live: Live, cluster: string, guest: Guest, signal: AbortSignal): PageAnswer {
    if (live.isFull) return this.#problem(503, 'Too many pages are open', 'Close one of them.');
    const headers = { ...guards, 'content-type': 'text/event-stream', 'cache-control': 'no-store' };
    return { status: 200, headers, body: live.follow(cluster, this.#assets.version, guest, signal) };
  }

  async #login({ headers, body }: PageRequest): Promise<PageAnswer> {
    const inviterId = this.#doors.enter((new URLSearchParams(body).get('code') ?? '').slice(0, 200).replace(/^.*#/, '').trim());
    const session = inviterId === undefined ? undefined : await this.#options.sessions.open(inviterId);
    if (!session) {
      const problem =
        'This code is not good, or not any more: each is good once, for ten minutes, until the hub restarts, and as long as the token that made it.';
      return document(403, loginDocument(this.#assets, problem));
    }
    const { token, goodForMs } = session;
    return document(303, '', { location: '/', 'set-cookie': cookie(headers, token, Math.floor(goodForMs / 1000)) });
  }

  async #logout({ headers }: PageRequest, token: string | undefined): Promise<PageAnswer> {
    if (token !== undefined) await this.#options.sessions.close(token);
    return document(303, '', { location: '/', 'set-cookie': cookie(headers, '', 0) });
  }
}

const drawn = (look: Look, names: readonly string[]): (readonly [string, string])[] =>
  names.map((name) => [name, sections[name]?.(look).text ?? ''] as const);

const isName = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** For this site alone, and out of the reach of scripts. */
const cookie = (headers: PageRequest['headers'], value: string, maxAgeSeconds: number): string =>
  [
    `${cookieName(headers['host'])}=${value}`,
    'Path=/',
    `Max-Age=${maxAgeSeconds}`,
    'HttpOnly',
    'SameSite=Strict',
    ...(headers['origin']?.startsWith('https:') ? ['Secure'] : []),
  ].join('; ');
