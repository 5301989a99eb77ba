import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KeyRole, type Keyset } from '#proto/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import type { Random } from '#shared/kernel/mod.ts';
import { digestOnlyPolicies, sealKeyset, sealTrustPolicies, type SigningKey } from '#shared/signing/mod.ts';
import { put, type Store } from '#hub/store/mod.ts';
import { IdentityError } from './errors.ts';
import { createKeys, keysExist, loadKeys, type HubKeys } from './keys.ts';

/** What is signed once per version and handed to every spoke. */
export interface FleetTrust {
  readonly keys: HubKeys;
  /** Envelope bytes: Keyset signed by the root. */
  readonly keyset: Uint8Array;
  readonly keysetVersion: number;
  /** Envelope bytes: TrustPolicies signed by the trust role. */
  readonly trustPolicies: Uint8Array;
}

/**
 * Opens the fleet, or creates it when neither a record nor keys exist. A record without keys, or keys that once had a record without one, refuse to
 * start: new keys would orphan every spoke, a new record would know nothing of what runs.
 */
export async function openFleet(store: Store, dir: string, clock: Clock, random: Random): Promise<FleetTrust> {
  const row = await store.read.selectFrom('fleet').selectAll().executeTakeFirst();
  const marker = join(dir, 'record-created');
  if (!(await keysExist(dir))) {
    if (row)
      throw new IdentityError(
        'KEYS_MISSING',
        `the record belongs to fleet ${row.fleet_id}, but its keys are not in ${dir}: restore them; new ones are never made`,
      );
    await createKeys(dir, clock, random);
  }
  const keys = await loadKeys(dir);
  if (!row) {
    if (await exists(marker))
      throw new IdentityError(
        'RECORD_MISSING',
        `the keys of fleet ${keys.fleetId} are here but its record is empty: restore the record from a backup`,
      );
    await createFleet(store, keys.fleetId);
    await writeFile(marker, '', { mode: 0o600 });
  } else if (row.fleet_id !== keys.fleetId) {
    throw new IdentityError(
      'KEYS_MISSING',
      `the record belongs to fleet ${row.fleet_id}, the keys in ${dir} to ${keys.fleetId}: put the right ones there`,
    );
  } else if (!(await exists(marker))) {
    // The process ended between creating the record and noting it.
    await writeFile(marker, '', { mode: 0o600 });
  }
  return trustOf(keys, row?.keyset_version ?? 1);
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const createFleet = (store: Store, fleetId: string): Promise<void> =>
  store.decide(
    async () => undefined,
    () => ({
      result: undefined,
      writes: [put('fleet', { id: 1, fleet_id: fleetId, epoch: 1, leader_term: 1, keyset_version: 1 })],
      audit: { actor: 'system:identity', action: 'create.fleet', subject: `Fleet/${fleetId}`, reason: 'the first start' },
    }),
  );

/** The same keys give the same bytes: Ed25519 is deterministic, so nothing of it needs to be stored. */
function trustOf(keys: HubKeys, version: number): FleetTrust {
  const one = (role: KeyRole, key: SigningKey): Keyset['roles'][number] => ({
    role,
    threshold: 1,
    keys: [{ keyid: key.keyid, spki: key.spki }],
  });
  const keyset: Keyset = {
    fleetId: keys.fleetId,
    version,
    roles: [
      one(KeyRole.KEY_ROLE_DESIRED, keys.desired),
      one(KeyRole.KEY_ROLE_RELEASE, keys.release),
      one(KeyRole.KEY_ROLE_TRUST, keys.trust),
    ],
    caCertificates: [keys.authority.certificatePem],
  };
  return {
    keys,
    keyset: sealKeyset(keyset, keys.root),
    keysetVersion: version,
    trustPolicies: sealTrustPolicies(digestOnlyPolicies(keys.fleetId), [keys.trust]),
  };
}
