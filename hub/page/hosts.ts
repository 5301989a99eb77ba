import { isIP } from 'node:net';

/**
 * Whether a browser that names this host means this hub. A site that lets its own name point here (DNS rebinding) has the browser name that site: only
 * addresses, `localhost` and names that the hub was told are ours. Pure.
 */
export function isOurs(host: string | undefined, names: readonly string[]): boolean {
  const name = hostName(host);
  return name !== undefined && (name === 'localhost' || isIP(name) !== 0 || names.includes(name));
}

/** Without port and brackets, in lower case; undefined when it is none. */
function hostName(host: string | undefined): string | undefined {
  const [, bracketed, plain] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i.exec(host ?? '') ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

/** Cookies are not kept apart by port, and several hubs may live on one machine. */
export const cookieName = (host: string | undefined): string => `wheelhouse-${/:(\d{1,5})$/.exec(host ?? '')?.[1] ?? '80'}`;

export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of (header ?? '').slice(0, 8_192).split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}

/** A form of another site may post here too; what the browser says of where it comes from is true. Its `Origin` is null where no referrer is told. */
export function isSameSite({ origin, host, 'sec-fetch-site': site }: Readonly<Record<string, string | undefined>>): boolean {
  if (site !== undefined) return site === 'same-origin';
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`;
}
