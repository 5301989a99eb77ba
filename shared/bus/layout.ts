import { isName } from '../kernel/mod.ts';
import { BusError } from './errors.ts';

/** Names on the wire. A cluster uid becomes a token of a subject, so it is checked wherever one enters. */
export const bucket = 'wheelhouse_desired';
export const stream = `KV_${bucket}`;
export const anyKey = `$KV.${bucket}.*`;

export const keySubject = (clusterUid: string): string => `$KV.${bucket}.${checked(clusterUid)}`;
/** Where the stream republishes what it stored: in the hub's account, and as the spokes' account imports it. */
export const pushSubject = (clusterUid: string): string => `push.${checked(clusterUid)}`;
export const importedPushSubject = (clusterUid: string): string => `desired.push.${checked(clusterUid)}`;
/** The direct-get service of the stream, and as the spokes' account imports it. */
export const getService = `$JS.API.DIRECT.GET.${stream}.${anyKey}`;
export const importedGetSubject = (clusterUid: string): string => `desired.get.${checked(clusterUid)}`;
/** A template inside a token, `_INBOX_{{name()}}`, silently matches nothing on servers before 2.11. */
export const inboxPrefix = (name: string): string => `_INBOX.${checked(name)}`;

/** A user named `*` or `>` would be let through by the server, and the template of its permissions would then expand to everything. */
export function checked(name: string): string {
  if (!isName(name)) throw new BusError('BAD_NAME', `not a lower-case RFC 1123 label: ${JSON.stringify(name.slice(0, 80))}`);
  return name;
}
