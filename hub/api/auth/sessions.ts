import { digestBytes, digestOf, type Random } from '#shared/kernel/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { put, remove, type Store } from '#hub/store/mod.ts';
import { Revocations } from './revocations.ts';
import { scopes } from './scopes.ts';
import { callerOf } from './tokens.ts';

/** Of no operation: whoever holds such a token sees the page, and gets nothing of the API with it. */
const scope = 'page';
const goodForMs = 24 * 3_600_000;
const sessionsMax = 100;

/** Browsers that have been let in. The record has only the hash of their tokens, so they outlive a restart, and nobody can read them there. */
export interface Sessions {
  /** For a day, and for no longer than the token of that id, which invited it, is good; undefined: it is not any more. */
  open(inviterId: number): Promise<{ readonly token: string; readonly goodForMs: number } | undefined>;
  /** Whose; undefined: nobody's, or not any more. */
  find(token: string | undefined): Promise<string | undefined>;
  close(token: string): Promise<void>;
  /** Calls back after sessions have been closed or taken back, whosever they were; the answer ends it. */
  onEnded(listener: () => void): () => void;
}

export function sessionsIn(store: Store, clock: Clock, random: Random): Sessions {
  const find = async (token: string | undefined): Promise<string | undefined> => {
    const caller = token === undefined ? undefined : await callerOf(store, `Bearer ${token}`, clock.now());
    return caller?.scope === scope ? caller.subject : undefined;
  };
  const revocations = new Revocations(store);
  return {
    find,
    onEnded: (listener) => revocations.listen(listener),
    open: async (inviterId) => {
      const token = `whpage_${Buffer.from(random.bytes(32)).toString('base64url')}`;
      return store.decide(
        async (trx) => ({
          held: await trx.selectFrom('tokens').select(['id', 'expires_at']).where('scope', '=', scope).orderBy('id', 'desc').execute(),
          inviter: await trx
            .selectFrom('tokens')
            .select(['subject', 'expires_at'])
            .where('id', '=', inviterId)
            .where('kind', '=', 'Api')
            .where('scope', 'in', scopes)
            .executeTakeFirst(),
        }),
        ({ held, inviter }, { now, newId }) => {
          if (!inviter || inviter.expires_at <= now) return { result: undefined };
          const { subject } = inviter;
          const expires_at = Math.min(now + goodForMs, inviter.expires_at);
          const over = held.filter(({ expires_at }, place) => expires_at <= now || place >= sessionsMax - 1);
          const row = { kind: 'Api' as const, hash: hashOf(token), subject, scope, bound_key: null, created_at: now };
          return {
            result: { token, goodForMs: expires_at - now },
            writes: [put('tokens', { id: newId(), ...row, expires_at }), ...over.map(({ id }) => remove('tokens', { id }))],
            audit: { actor: `user:${subject}`, action: 'open.page', subject: `Token/${subject}`, reason: 'a browser was let in' },
          };
        },
      );
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
