import { digestBytes, digestOf, type Random } from '#shared/kernel/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { put, remove, type Store } from '#hub/store/mod.ts';
import { callerOf } from './tokens.ts';

/** Of no operation: whoever holds such a token sees the page, and gets nothing of the API with it. */
const scope = 'page';
const goodForMs = 24 * 3_600_000;
const sessionsMax = 100;

/** Browsers that have been let in. The record has only the hash of their tokens, so they outlive a restart, and nobody can read them there. */
export interface Sessions {
  open(subject: string): Promise<{ readonly token: string; readonly goodForMs: number }>;
  /** Whose; undefined: nobody's, or not any more. */
  find(token: string | undefined): Promise<string | undefined>;
  close(token: string): Promise<void>;
}

export function sessionsIn(store: Store, clock: Clock, random: Random): Sessions {
  const find = async (token: string | undefined): Promise<string | undefined> => {
    const caller = token === undefined ? undefined : await callerOf(store, `Bearer ${token}`, clock.now());
    return caller?.scope === scope ? caller.subject : undefined;
  };
  return {
    find,
    open: async (subject) => {
      const token = `whpage_${Buffer.from(random.bytes(32)).toString('base64url')}`;
      await store.decide(
        (trx) => trx.selectFrom('tokens').select(['id', 'expires_at']).where('scope', '=', scope).orderBy('id', 'desc').execute(),
        (held, { now, newId }) => {
          const over = held.filter(({ expires_at }, place) => expires_at <= now || place >= sessionsMax - 1);
          const row = { kind: 'Api' as const, hash: hashOf(token), subject, scope, bound_key: null, created_at: now };
          return {
            result: undefined,
            writes: [
              put('tokens', { id: newId(), ...row, expires_at: now + goodForMs }),
              ...over.map(({ id }) => remove('tokens', { id })),
            ],
            audit: { actor: `user:${subject}`, action: 'open.page', subject: `Token/${subject}`, reason: 'a browser was let in' },
          };
        },
      );
      return { token, goodForMs };
    },
    close: async (token) => {
      await store.decide(
        (trx) =>
          trx
            .selectFrom('tokens')
            .select(['id', 'subject'])
            .where('hash', '=', hashOf(token))
            .where('scope', '=', scope)
            .executeTakeFirst(),
        (held) =>
          held
            ? {
                result: undefined,
                writes: [remove('tokens', { id: held.id })],
                audit: { actor: `user:${held.subject}`, action: 'close.page', subject: `Token/${held.subject}` },
              }
            : { result: undefined },
      );
    },
  };
}

const hashOf = (token: string): Uint8Array => digestBytes(digestOf(token));
