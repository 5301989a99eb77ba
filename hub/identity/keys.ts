import { randomUUID } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createNatsKeys, exportNatsKeys, importNatsKeys, type NatsKeys } from '#shared/bus/mod.ts';
import type { Clock } from '#shared/clock/mod.ts';
import { uidFrom, type Random } from '#shared/kernel/mod.ts';
import {
  createAuthority,
  generateKey,
  keyFromPem,
  tlsKeyFromPem,
  tlsKeyPem,
  type CertificateAuthority,
  type SigningKey,
} from '#shared/signing/mod.ts';
import { IdentityError } from './errors.ts';

/** The hub's keys: files of mode 0600 under DATA/keys, never rows of the record. */
export interface HubKeys {
  readonly fleetId: string;
  /** Signs keysets. May be moved away once a keyset is signed; until then it lies here. */
  readonly root: SigningKey;
  readonly desired: SigningKey;
  readonly release: SigningKey;
  readonly trust: SigningKey;
  readonly authority: CertificateAuthority;
  /** Operator and accounts of NATS, and what signs spokes' users. */
  readonly nats: NatsKeys;
}

const years = 365 * 24 * 3600 * 1000;
const roles = ['root', 'desired', 'release', 'trust'] as const;

export const keysExist = (dir: string): Promise<boolean> =>
  access(join(dir, 'fleet-id')).then(
    () => true,
    () => false,
  );

/**
 * Makes a new fleet's keys. All or nothing: they are written beside and renamed into place, so a crash leaves either no keys or all of them.
 * Throws when `dir` exists.
 */
export async function createKeys(dir: string, clock: Clock, random: Random): Promise<HubKeys> {
  const fleetId = uidFrom('t', random);
  const now = clock.now();
  // An hour back: a spoke's clock may be behind.
  const validity = { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + 10 * years) };
  const authority = await createAuthority(`wheelhouse ${fleetId}`, validity, random);
  const beside = `${dir}.${randomUUID()}`;
  await mkdir(beside, { recursive: true, mode: 0o700 });
  try {
    for (const role of roles) await save(beside, `${role}.pem`, generateKey(random).exportPem());
    await save(beside, 'ca.pem', authority.certificatePem);
    await save(beside, 'ca-key.pem', tlsKeyPem(authority.key));
    await save(beside, 'nats.json', exportNatsKeys(createNatsKeys(random, now)));
    await save(beside, 'fleet-id', fleetId);
    // The record is on the disk when it says so; keys that a power cut takes from a record are lost for every spoke.
    await syncFolder(beside);
    await rename(beside, dir);
    await syncFolder(dirname(dir));
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
  return loadKeys(dir);
}

/** Throws KEYS_UNREADABLE that names the file. */
export async function loadKeys(dir: string): Promise<HubKeys> {
  const [root, desired, release, trust] = await Promise.all(roles.map(async (role) => keyFromPem(await load(dir, `${role}.pem`))));
  const authority = { certificatePem: await load(dir, 'ca.pem'), key: tlsKeyFromPem(await load(dir, 'ca-key.pem')) };
  const fleetId = (await load(dir, 'fleet-id')).trim();
  if (!root || !desired || !release || !trust) throw new IdentityError('KEYS_UNREADABLE', `keys are incomplete in ${dir}`);
  return { fleetId, root, desired, release, trust, authority, nats: importNatsKeys(await load(dir, 'nats.json')) };
}

const save = (dir: string, name: string, text: string): Promise<void> =>
  writeFile(join(dir, name), text, { mode: 0o600, flag: 'wx', flush: true });

/** Names in a folder are on the disk only after this. */
async function syncFolder(dir: string): Promise<void> {
  await using folder = await open(dir);
  await folder.sync();
}

async function load(dir: string, name: string): Promise<string> {
  try {
    return await readFile(join(dir, name), 'utf8');
  } catch (cause) {
    throw new IdentityError('KEYS_UNREADABLE', `cannot read ${join(dir, name)}: restore the hub's keys from where you keep them`, {
      cause,
    });
  }
}
