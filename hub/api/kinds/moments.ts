import { connectionAt, silenceOf, type Connection, type Contact, type Silence, type Timing } from '#hub/health/mod.ts';

/** What the API asks about contact with spokes; HealthService is one. */
export interface Fleet {
  /** Each is replaced when it changes, never altered. */
  contacts(): Iterable<readonly [number, Contact]>;
  timing(): Timing;
}

/**
 * One look at the fleet's contacts: everything in one answer is judged by the same moment, and shown by it, however long the answer takes. Health of then
 * beside contact of now would call a cluster Healthy that is known to be lost.
 */
export interface Moment {
  /** Epoch milliseconds. */
  readonly now: number;
  readonly timing: Timing;
  readonly contactOf: (clusterId: number) => Contact | undefined;
  readonly connectionOf: (clusterId: number, everConnected: boolean) => Connection;
  /** Nothing vouches for this cluster now. */
  readonly isSilent: (clusterId: number) => boolean;
  /**
   * Cluster id -> `C` or `D` (connected or not), the fence that it has accepted as one number of 16 digits, then why nothing vouches for it ('' when something
   * does). For SQL, as JSON.
   */
  readonly contactsJson: string;
  /** Of clusters that this process has not heard of. */
  readonly unheard: Silence;
  /** Under what number all placements have been judged already (`kept.ts`); undefined: each question judges those that it is about. */
  readonly kept?: number;
}

export function momentOf(fleet: Fleet, now: number): Moment {
  const timing = fleet.timing();
  const contacts = new Map(fleet.contacts());
  const codes: Record<string, string> = {};
  for (const [id, contact] of contacts) {
    const { state } = connectionAt(contact, true, timing);
    codes[id] = `${state === 'Connected' ? 'C' : 'D'}${fenceDigits(contact)}${silenceOf(contact, timing) ?? ''}`;
  }
  return {
    now: Math.round(now),
    timing,
    contactOf: (id) => contacts.get(id),
    connectionOf: (id, ever) => whole(connectionAt(contacts.get(id), ever, timing)),
    isSilent: (id) => silenceOf(contacts.get(id), timing) !== undefined,
    contactsJson: JSON.stringify(codes),
    unheard: timing.settling ? 'Settling' : 'NotConnected',
  };
}

/** Epochs count restores and generations decisions about one cluster: neither reaches 2^20 and 2^32. */
export const generationsMax = 2 ** 32;
const fenceDigits = ({ fence }: Contact): string =>
  String((fence?.epoch ?? 0) * generationsMax + (fence?.generation ?? 0)).padStart(16, '0');

const whole = ({ state, ageMs }: Connection): Connection => ({ state, ageMs: ageMs === null ? null : Math.round(ageMs) });
