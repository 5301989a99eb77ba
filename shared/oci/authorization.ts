import { parseChallenge } from './challenges.ts';
import { OciError } from './errors.ts';
import { refusal } from './answers.ts';
import { exchange, shown, type Purpose, type Wire } from './exchange.ts';
import type { Place } from './addresses.ts';
import type { Credential, Credentials } from './ports.ts';
import { nothing, readBounded } from './verify.ts';

const tokenAnswerMaxBytes = 64 * 1024;
const tokenMaxCharacters = 32 * 1024;
const tokensMax = 256;

/** Answers registries' challenges; remembers bearer tokens until one is refused. */
export class Authorization {
  readonly #wire: Wire;
  readonly #credentials: Credentials;
  readonly #tokens = new Map<string, string>();

  constructor(wire: Wire, credentials: Credentials) {
    this.#wire = wire;
    this.#credentials = credentials;
  }

  /** The header that worked last time for this repository and access. */
  remembered(key: string): string | undefined {
    return this.#tokens.get(key);
  }

  /**
   * The Authorization header for a 401.
   * @throws OciError UNAUTHORIZED when there is nothing to answer it with
   */
  async answer(header: string | null, registry: string, place: Place, key: string, purpose: Purpose): Promise<string> {
    const challenge = parseChallenge(header);
    const refuse = (why: string): never => {
      throw new OciError('UNAUTHORIZED', purpose.operation, 'registry', `${registry} asks for authorization; ${why}`);
    };
    if (!challenge) return refuse('in a way that is not supported (Basic and Bearer are)');
    const credential = await this.#credentials(registry, purpose.signal);
    if (challenge.scheme === 'basic')
      return credential && 'basic' in credential ? basicHeader(credential.basic) : refuse('no user name and password are known for it');
    const value =
      credential && 'bearer' in credential
        ? credential.bearer
        : await this.#token(tokenUrl(challenge, place, refuse), credential, place, purpose);
    return this.#remember(key, `Bearer ${value}`);
  }

  async #token(url: URL, credential: Credential | undefined, place: Place, purpose: Purpose): Promise<string> {
    // Credentials of a registry are shown to it and to the hosts its address names, never to whichever host an answer names.
    const trusted = credential && 'basic' in credential && place.credentialHosts.has(url.host);
    const headers = trusted ? { authorization: basicHeader(credential.basic) } : {};
    return exchange(this.#wire, { method: 'GET', url, headers }, { ...purpose, side: 'token-server' }, async (response) => {
      if (response.status !== 200) throw await refusal(purpose.operation, 'token-server', `no token from ${shown(url)}`, response);
      const bad = (): OciError => new OciError('BAD_RESPONSE', purpose.operation, 'token-server', `${shown(url)} gave no usable token`);
      const bytes = await readBounded(response.body ?? nothing(), tokenAnswerMaxBytes, bad);
      const token = tokenIn(bytes);
      if (token === undefined) throw bad();
      return token;
    });
  }

  #remember(key: string, header: string): string {
    const [oldest] = this.#tokens.keys();
    if (this.#tokens.size >= tokensMax && oldest !== undefined) this.#tokens.delete(oldest);
    this.#tokens.set(key, header);
    return header;
  }
}

const basicHeader = ({ username, password }: { username: string; password: string }): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

function tokenUrl(
  { realm, service, scope }: { realm: string; service: string | undefined; scope: string | undefined },
  place: Place,
  refuse: (why: string) => never,
): URL {
  const url = URL.parse(realm);
  if (!url || url.username !== '' || url.password !== '') return refuse('the realm it names is not a URL');
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && place.insecure)) return refuse(`the realm ${shown(url)} is not HTTPS`);
  if (service !== undefined) url.searchParams.set('service', service);
  if (scope !== undefined) url.searchParams.set('scope', scope);
  return url;
}

function tokenIn(bytes: Uint8Array): string | undefined {
  try {
    const { token, access_token: accessToken } = JSON.parse(Buffer.from(bytes).toString()) as { token?: unknown; access_token?: unknown };
    const value = token ?? accessToken;
    return typeof value === 'string' && value.length <= tokenMaxCharacters && /^[\x21-\x7e]+$/.test(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
