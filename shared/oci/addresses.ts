import type { RegistryAddress } from './ports.ts';

/** A registry as the client uses it. */
export interface Place {
  readonly origin: URL;
  /** Plain HTTP is what was chosen: then servers it names may be plain HTTP too. */
  readonly insecure: boolean;
  /** `host[:port]`s that may be shown credentials. */
  readonly credentialHosts: ReadonlySet<string>;
}

// Octet by octet: "127.0.0.1.example.com" is not loopback.
const loopback = /^(localhost|127(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}|\[(::1|0:0:0:0:0:0:0:1)\])(:\d+)?$/i;

export const isLoopback = (registry: string): boolean => loopback.test(registry);

/** HTTPS, except on loopback and where an address says `insecure`. An address says more than a rule: `insecure: false` asks for HTTPS on loopback. */
export function placeOf(registry: string, addresses: readonly RegistryAddress[]): Place {
  const given = addresses.find((a) => a.address.toLowerCase() === registry.toLowerCase());
  const insecure = given?.insecure ?? isLoopback(registry);
  const origin = new URL(`${insecure ? 'http' : 'https'}://${registry}/`);
  return { origin, insecure, credentialHosts: new Set([origin.host, ...(given?.tokenHosts ?? [])]) };
}
