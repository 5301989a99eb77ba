// One operator, three accounts. JetStream lives in HUB; spokes live in SPOKES, which has none and imports two subjects. NATS does not check the reply
// subject of a publish: in a shared account a spoke could name another cluster's key, or the deletion of the stream, as the reply of its own read.
import type { Random } from '../kernel/mod.ts';
import { BusError } from './errors.ts';
import { checked, getService } from './layout.ts';
import { createNkey, isUserNkey, mintJwt, type Nkey, nkeyFromSeed } from './nkeys.ts';

export interface NatsKeys {
  readonly operator: Nkey;
  readonly system: Nkey;
  readonly hub: Nkey;
  readonly spokes: Nkey;
  /** Signs the users of SPOKES; its scope gives each of them the permissions of its own name and nothing else. */
  readonly spokeSigner: Nkey;
  readonly createdAtMs: number;
}
const kinds = { operator: 'operator', system: 'account', hub: 'account', spokes: 'account', spokeSigner: 'account' } as const;

export const createNatsKeys = (random: Random, nowMs: number): NatsKeys => ({
  operator: createNkey('operator', random),
  system: createNkey('account', random),
  hub: createNkey('account', random),
  spokes: createNkey('account', random),
  spokeSigner: createNkey('account', random),
  createdAtMs: nowMs,
});

/** The secrets themselves as JSON, for a file that only its owner reads. */
export function exportNatsKeys(keys: NatsKeys): string {
  const seeds = Object.fromEntries(Object.keys(kinds).map((name) => [name, keys[name as keyof typeof kinds].exportSeed()]));
  return `${JSON.stringify({ ...seeds, createdAtMs: keys.createdAtMs }, undefined, 2)}\n`;
}

/** Reads what `exportNatsKeys` wrote. Throws BusError BAD_KEYS, which never quotes it. */
export function importNatsKeys(text: string): NatsKeys {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    throw new BusError('BAD_KEYS', 'the NATS keys are not JSON');
  }
  const from = typeof read === 'object' && read !== null ? (read as Record<string, unknown>) : {};
  const key = (name: keyof typeof kinds): Nkey => {
    const seed = from[name];
    if (typeof seed !== 'string') throw new BusError('BAD_KEYS', `the NATS keys have no ${name}`);
    return nkeyFromSeed(kinds[name], seed);
  };
  const { createdAtMs } = from;
  if (!Number.isSafeInteger(createdAtMs)) throw new BusError('BAD_KEYS', 'the NATS keys have no createdAtMs');
  return {
    operator: key('operator'),
    system: key('system'),
    hub: key('hub'),
    spokes: key('spokes'),
    spokeSigner: key('spokeSigner'),
    createdAtMs: Number(createdAtMs),
  };
}

const unlimited = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
const noJetStream = { mem_storage: 0, disk_storage: 0, streams: 0, consumer: 0 };
const allJetStream = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };

/** What a spoke may do. Changing this disconnects every spoke of the account. */
const spokeTemplate = {
  pub: { allow: ['desired.get.{{name()}}'] },
  sub: { allow: ['desired.push.{{name()}}', '_INBOX.{{name()}}.>'] },
  subs: 8,
  data: -1,
  payload: 64 * 1024,
  allowed_connection_types: ['STANDARD'],
};

/**
 * Issue time of what is in the server's configuration. Of two tokens of an account the server keeps the later, and of two of one second the last it read: a
 * second before the keys were made, so that a restart never undoes a revocation that was pushed.
 */
const preloadedAtMs = (keys: NatsKeys): number => keys.createdAtMs - 1_000;

const account = (keys: NatsKeys, who: Nkey, name: string, issuedAtMs: number, nats: Record<string, unknown>): string =>
  mintJwt(keys.operator, { name, subject: who.id, issuedAtMs, nats: { type: 'account', ...nats } });

export const operatorJwt = (keys: NatsKeys): string =>
  mintJwt(keys.operator, {
    name: 'wheelhouse',
    subject: keys.operator.id,
    issuedAtMs: preloadedAtMs(keys),
    nats: { type: 'operator', system_account: keys.system.id },
  });

export const systemAccountJwt = (keys: NatsKeys): string =>
  account(keys, keys.system, 'SYS', preloadedAtMs(keys), { limits: { ...unlimited, ...noJetStream } });

export const hubAccountJwt = (keys: NatsKeys): string =>
  account(keys, keys.hub, 'HUB', preloadedAtMs(keys), {
    limits: { ...unlimited, ...allJetStream },
    exports: [
      { name: 'desired-get', subject: getService, type: 'service', response_type: 'Singleton' },
      { name: 'desired-push', subject: 'push.*', type: 'stream' },
    ],
  });

/** `revoked`: user nkey -> epoch ms; the server refuses tokens of that user issued at or before the second. */
export function spokesAccountJwt(
  keys: NatsKeys,
  issuedAtMs = preloadedAtMs(keys),
  revoked: ReadonlyMap<string, number> = new Map(),
): string {
  const revocations = Object.fromEntries([...revoked].map(([user, ms]) => [user, Math.floor(ms / 1000)]));
  return account(keys, keys.spokes, 'SPOKES', issuedAtMs, {
    limits: { ...unlimited, ...noJetStream },
    imports: [
      { name: 'desired-get', subject: getService, account: keys.hub.id, local_subject: 'desired.get.$1', type: 'service' },
      { name: 'desired-push', subject: 'push.*', account: keys.hub.id, local_subject: 'desired.push.$1', type: 'stream' },
    ],
    signing_keys: [{ kind: 'user_scope', key: keys.spokeSigner.id, role: 'spoke', template: spokeTemplate }],
    ...(revoked.size > 0 ? { revocations } : {}),
  });
}

export interface UserLifetime {
  /** The user's public nkey, "U…". Its seed never leaves whoever made it. */
  readonly userPublicKey: string;
  readonly issuedAtMs: number;
  readonly expiresAtMs?: number;
}

/** A spoke's user token. Permissions come from the scope of the key that signs it: a token with some of its own would be refused. */
export function spokeJwt(keys: NatsKeys, clusterUid: string, user: UserLifetime & { readonly expiresAtMs: number }): string {
  checked(clusterUid);
  return mintJwt(keys.spokeSigner, { ...userClaims(clusterUid, user), nats: { type: 'user', issuer_account: keys.spokes.id } });
}

/** The hub's own user token: all of the HUB account. */
export const hubJwt = (keys: NatsKeys, user: UserLifetime): string =>
  mintJwt(keys.hub, { ...userClaims('hub', user), nats: { type: 'user', subs: -1, data: -1, payload: -1, pub: {}, sub: {} } });

/** A user of the system account that can do nothing but push account tokens. */
export const systemJwt = (keys: NatsKeys, user: UserLifetime): string =>
  mintJwt(keys.system, {
    ...userClaims('accounts', user),
    nats: {
      type: 'user',
      subs: -1,
      data: -1,
      payload: -1,
      pub: { allow: ['$SYS.REQ.CLAIMS.UPDATE'] },
      sub: { allow: ['_INBOX.accounts.>'] },
    },
  });

function userClaims(name: string, user: UserLifetime): { name: string; subject: string; issuedAtMs: number; expiresAtMs?: number } {
  if (!isUserNkey(user.userPublicKey)) throw new BusError('BAD_KEYS', 'not the public nkey of a user');
  const { issuedAtMs, expiresAtMs } = user;
  return { name, subject: user.userPublicKey, issuedAtMs, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
}
