import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Random } from '#shared/kernel/mod.ts';
import { ApiError } from '../problems/errors.ts';

export type Place = readonly (string | number | null)[];

const goodForMs = 15 * 60_000;
const macBytes = 16;

/** Seals where a page ended: nobody can make or move a cursor, it fits only its own query, and it ends with this process or after 15 minutes. */
export class Cursors {
  readonly #key: Uint8Array;
  /** Names the key, so that a cursor of an earlier process is known for what it is. */
  readonly #life: string;

  constructor(random: Random) {
    this.#key = random.bytes(32);
    this.#life = Buffer.from(random.bytes(6)).toString('base64url');
  }

  seal(place: Place, query: string, now: number): string {
    const body = Buffer.from(JSON.stringify([this.#life, now, place])).toString('base64url');
    return `${body}.${this.#mac(body, query).toString('base64url')}`;
  }

  open(text: string, query: string, now: number): Place {
    const [body = '', mac = ''] = text.split('.');
    const read = parsed(body);
    if (!read) throw changed();
    const [life, at, place] = read;
    if (life !== this.#life)
      throw new ApiError('CURSOR_EXPIRED', 'the hub has been restarted since this page: begin again without continue');
    const given = Buffer.from(mac, 'base64url');
    if (given.length !== macBytes || !timingSafeEqual(given, this.#mac(body, query))) throw changed();
    if (now - at > goodForMs) throw new ApiError('CURSOR_EXPIRED', 'this page is older than 15 minutes: begin again without continue');
    return place;
  }

  #mac(body: string, query: string): Buffer {
    return createHmac('sha256', this.#key).update(`${body}\0${query}`).digest().subarray(0, macBytes);
  }
}

const changed = (): ApiError =>
  new ApiError('CURSOR_INVALID', 'continue is not what this hub gave out for this query: send the other parameters unchanged');

function parsed(body: string): readonly [string, number, Place] | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
    if (!Array.isArray(value) || value.length !== 3 || typeof value[1] !== 'number' || !Array.isArray(value[2])) return undefined;
    return [String(value[0]), value[1], value[2] as Place];
  } catch {
    return undefined;
  }
}
