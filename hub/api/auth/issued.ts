import { digestBytes, digestOf, type Random } from '#shared/kernel/mod.ts';
import { put, remove, type Reader, type Store, type TokenRow } from '#hub/store/mod.ts';
import { ApiError } from '../problems/errors.ts';
import { scopes, type Scope } from './scopes.ts';
import { localAdmin } from './tokens.ts';

/** How many may be good at a time, so that a list of them is one answer. */
export const tokensMax = 100;

/** What may be known of a token: never itself, never its hash. */
export type Issued = Pick<TokenRow, 'id' | 'subject' | 'scope' | 'expires_at' | 'created_at'>;

export interface Wanted {
  readonly scope: Scope;
  /** Whom the audit log will name; undefined: one is made up. */
  readonly name: string | undefined;
  readonly ttlMs: number;
}

export interface By {
  readonly actor: string;
  readonly reason: string;
  readonly dryRun: boolean;
}

/** Newest first. Joins and sessions of the page are of other kinds. */
const issuedIn = (read: Reader): Promise<Issued[]> =>
  read
    .selectFrom('tokens')
    .select(['id', 'subject', 'scope', 'expires_at', 'created_at'])
    .where('kind', '=', 'Api')
    .where('scope', 'in', scopes)
    .orderBy('id', 'desc')
    .execute();

const isLocal = ({ subject }: Issued): boolean => subject === localAdmin;

/** What is good at that moment, newest first. */
export const goodTokens = async (store: Store, now: number): Promise<readonly Issued[]> =>
  (await issuedIn(store.read)).filter(({ expires_at }) => expires_at > now);

/**
 * Makes a token of that scope; only its hash is kept. Names of good tokens are unique, so that an actor of the audit log is one token. What has expired is
 * cleared away meanwhile. The caller is an admin: there is no scope that it does not have itself. Throws ApiError TOKEN_EXISTS, TOO_MANY_TOKENS.
 */
export async function issue(store: Store, random: Random, { scope, name, ttlMs }: Wanted, { actor, reason, dryRun }: By) {
  const token = `whapi_${Buffer.from(random.bytes(32)).toString('base64url')}`;
  return store.decide(issuedIn, (all, { now, newId }) => {
    const good = all.filter(({ expires_at }) => expires_at > now);
    if (name === localAdmin || good.some(({ subject }) => subject === name)) throw new ApiError('TOKEN_EXISTS', `there is a token ${name}`);
    if (good.length >= tokensMax) throw new ApiError('TOO_MANY_TOKENS', `${good.length} tokens are good`);
    const expires_at = now + ttlMs;
    if (dryRun) return { result: { row: { id: 0, subject: name ?? '', scope, expires_at }, token: '' } };
    const id = newId();
    const row = { id, subject: name ?? `token-${id}`, scope, expires_at };
    const over = all.filter((one) => one.expires_at <= now && !isLocal(one));
    return {
      result: { row, token },
      writes: [
        ...over.map((one) => remove('tokens', { id: one.id })),
        put('tokens', { ...row, kind: 'Api', hash: digestBytes(digestOf(token)), bound_key: null, created_at: now }),
      ],
      audit: { actor, action: 'create.token', subject: `Token/${row.subject}`, reason, detail: { id, scope, expiresAt: expires_at } },
    };
  });
}

/**
 * Ends a token at once, and the sessions of the page that were opened with it. The one beside the keys stays: it is how its owner gets in when all others are
 * gone, and the next start would make it again. An earlier one of the same name, whose file has been replaced, may go. Throws ApiError NOT_FOUND, TOKEN_IS_LOCAL.
 */
export async function revoke(store: Store, id: number, { actor, reason, dryRun }: By): Promise<void> {
  await store.decide(issuedIn, (all, { now }) => {
    const found = all.find((one) => one.id === id && one.expires_at > now);
    if (!found) throw new ApiError('NOT_FOUND', 'there is no token of that id that is still good');
    if (found.id === all.find(isLocal)?.id) throw new ApiError('TOKEN_IS_LOCAL', `${localAdmin} lies beside the keys of the hub`);
    if (dryRun) return { result: undefined };
    return {
      result: undefined,
      writes: [remove('tokens', { id }), remove('tokens', { kind: 'Api', scope: 'page', subject: found.subject })],
      audit: { actor, action: 'revoke.token', subject: `Token/${found.subject}`, reason, detail: { id, scope: found.scope } },
    };
  });
}
