import type { Place } from './addresses.ts';
import { refusal } from './answers.ts';
import type { Authorization } from './authorization.ts';
import { OciError } from './errors.ts';
import { exchange, shown, type Purpose, type Request, type Wire } from './exchange.ts';
import type { Descriptor } from './ports.ts';
import { formatRepository, type Repository } from './reference.ts';

type Call = Omit<Request, 'url'> & ({ readonly path: string } | { readonly url: URL });

/** One verb at one repository: knows where to send, answers one challenge per request, follows where it may. */
export class Session {
  readonly #wire: Wire;
  readonly #authorization: Authorization;
  readonly #place: Place;
  readonly #repository: Repository;
  readonly #key: string;
  readonly #purpose: Purpose;

  constructor(wire: Wire, authorization: Authorization, place: Place, repository: Repository, access: 'pull' | 'push', purpose: Purpose) {
    this.#wire = wire;
    this.#authorization = authorization;
    this.#place = place;
    this.#repository = repository;
    this.#key = `${access} ${formatRepository(repository)}`;
    this.#purpose = purpose;
  }

  async send<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    const url = 'url' in call ? call.url : this.#urlOf(call.path);
    const attempt = (authorization: string | undefined, onChallenge: (response: Response) => Promise<T>): Promise<T> =>
      exchange(
        this.#wire,
        {
          method: call.method,
          url,
          ...(call.body ? { body: call.body } : {}),
          headers: { ...call.headers, ...(authorization === undefined ? {} : { authorization }) },
        },
        this.#purpose,
        (response) => (response.status === 401 ? onChallenge(response) : read(response)),
      );
    let challenge: { header: string | null } | undefined;
    const first = await attempt(this.#authorization.remembered(this.#key), (response) => {
      challenge = { header: response.headers.get('www-authenticate') };
      return Promise.resolve(undefined as T);
    });
    if (challenge === undefined) return first;
    const { registry } = this.#repository;
    return attempt(await this.#authorization.answer(challenge.header, registry, this.#place, this.#key, this.#purpose), read);
  }

  /** For blobs, which registries hand to their storage. Nothing of the first request goes along, so no credential leaves its host. */
  async sendFollowing<T>(path: string, redirectsMax: number, read: (response: Response) => Promise<T>): Promise<T> {
    type Step = { readonly to: URL } | { readonly value: T };
    const stepFrom =
      (base: URL) =>
      async (response: Response): Promise<Step> =>
        isRedirect(response) ? { to: this.#redirectUrl(response, base) } : { value: await read(response) };
    let at = await this.send({ method: 'GET', path }, stepFrom(this.#urlOf(path)));
    for (let redirects = 1; 'to' in at; redirects++) {
      if (redirects > redirectsMax) throw this.#error('REDIRECT_REFUSED', `more than ${redirectsMax} redirects`);
      at = await exchange(this.#wire, { method: 'GET', url: at.to }, this.#purpose, stepFrom(at.to));
    }
    return at.value;
  }

  #urlOf(path: string): URL {
    return new URL(`/v2/${this.#repository.path}/${path}`, this.#place.origin);
  }

  #redirectUrl(response: Response, base: URL): URL {
    const location = response.headers.get('location');
    const url = location === null ? null : URL.parse(location, base.href);
    if (!url) throw this.#error('BAD_RESPONSE', 'a redirect to nowhere');
    if (url.protocol !== 'https:' && !(url.protocol === 'http:' && this.#place.insecure))
      throw this.#error('REDIRECT_REFUSED', `${shown(url)} is not HTTPS`);
    if (url.username !== '' || url.password !== '')
      throw this.#error('REDIRECT_REFUSED', `${shown(url)} comes with credentials in its URL`);
    return url;
  }

  /** Where an upload goes on: on the registry itself, also when it stands behind a proxy and takes itself for plain HTTP. */
  uploadUrl(location: string | null): URL {
    const url = location === null ? null : URL.parse(location, this.#place.origin.href);
    if (!url) throw this.#error('BAD_RESPONSE', 'an upload was opened without saying where it goes on');
    if (url.hostname !== this.#place.origin.hostname)
      throw this.#error('REDIRECT_REFUSED', `the upload was sent on to another host, ${shown(url)}`);
    return new URL(`${url.pathname}${url.search}`, this.#place.origin);
  }

  /** A registry that says which digest it stored must say ours. */
  async checkStored(response: Response, { digest }: Descriptor): Promise<void> {
    if (response.status !== 201)
      throw await refusal(this.#purpose.operation, 'registry', `${formatRepository(this.#repository)}@${digest}`, response);
    const stored = response.headers.get('docker-content-digest');
    if (stored !== null && stored !== digest) throw this.#error('DIGEST_MISMATCH', `${digest} was stored as ${stored.slice(0, 80)}`);
  }

  #error(code: 'REDIRECT_REFUSED' | 'BAD_RESPONSE' | 'DIGEST_MISMATCH', why: string): OciError {
    return new OciError(code, this.#purpose.operation, 'registry', `${formatRepository(this.#repository)}: ${why}`);
  }
}

const isRedirect = (response: Response): boolean => [301, 302, 303, 307, 308].includes(response.status);
