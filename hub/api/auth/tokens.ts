import { access, readFile, writeFile } from 'node:fs/promises';
import { digestBytes, digestOf, type Random } from '#shared/kernel/mod.ts';
import { put, type Store } from '#hub/store/mod.ts';

const hashOf = (token: string): Uint8Array => digestBytes(digestOf(token));
/** The token beside the keys: how the owner of the hub gets in. */
export const localAdmin = 'local-admin';
const year = 365 * 24 * 3_600_000;

/**
 * The token of whoever may read the file (mode 0600): made once, beside the keys. The record has only its hash. A file without its row (a crash between
 * the two) is given its row, and so is one that has expired: nobody else could let its owner in again.
 */
export async function adminToken(store: Store, file: string, random: Random): Promise<void> {
  const exists = await access(file).then(
    () => true,
    () => false,
  );
  if (!exists) await writeFile(file, `whapi_${Buffer.from(random.bytes(32)).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' });
  const hash = hashOf((await readFile(file, 'utf8')).trim());
  await store.decide(
    (trx) => trx.selectFrom('tokens').select(['id', 'expires_at']).where('hash', '=', hash).executeTakeFirst(),
    (known, { now, newId }) => {
      if (known && known.expires_at > now) return { result: undefined };
      const row = {
        id: known?.id ?? newId(),
        kind: 'Api' as const,
        hash,
        subject: localAdmin,
        scope: 'admin',
        bound_key: null,
        expires_at: now + year,
        created_at: now,
      };
      return {
        result: undefined,
        writes: [put('tokens', row)],
        audit: {
          actor: 'system:api',
          action: 'create.token',
          subject: `Token/${localAdmin}`,
          reason: known ? 'it had expired' : 'the first start',
        },
      };
    },
  );
}

/** Who a token speaks for, and how far. */
export interface Caller {
  /** Of the token's row. */
  readonly id: number;
  readonly subject: string;
  readonly scope: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

/** Whose API token this is; undefined: nobody's, or not any more. */
export async function callerOf(store: Store, authorization: string | undefined, now: number): Promise<Caller | undefined> {
  const [, token] = /^Bearer ([A-Za-z0-9_-]{20,200})$/.exec(authorization ?? '') ?? [];
  if (!token) return undefined;
  const row = await store.read
    .selectFrom('tokens')
    .select(['id', 'subject', 'kind', 'scope', 'expires_at'])
    .where('hash', '=', hashOf(token))
    .executeTakeFirst();
  if (row?.kind !== 'Api' || row.expires_at <= now) return undefined;
  return { id: row.id, subject: row.subject, scope: row.scope, expiresAt: row.expires_at };
}
