import { kindOf, referenceText, type Reference } from '../kinds/kinds.ts';
import type { Ask } from './client.ts';
import type { NamedText } from './files.ts';
import { onePath } from './lists.ts';

/** Of every command that changes something. */
export interface ChangeOptions {
  readonly reason?: string;
  readonly dryRun?: boolean;
  /** That it was read at: refused when it has changed since. */
  readonly resourceVersion?: string;
}

export interface PlacementSynced {
  readonly acknowledged: boolean;
  readonly problem: { readonly reason: string; readonly message: string } | null;
}

const ifMatch = ({ resourceVersion }: ChangeOptions): Pick<Ask, 'headers'> =>
  resourceVersion === undefined ? {} : { headers: { 'if-match': `"${resourceVersion}"` } };

export const changeWords = ({ reason, dryRun }: ChangeOptions): Readonly<Record<string, string | undefined>> => ({
  reason,
  dryRun: dryRun ? 'true' : undefined,
});

// What each change asks of the hub. Pure.

export const applyAsk = (files: readonly NamedText[], options: ChangeOptions): Ask => ({
  method: 'POST',
  path: '/v1alpha1/apply',
  query: changeWords(options),
  body: JSON.stringify({ files }),
  type: 'application/json',
});

export const deleteAsk = (reference: Reference, options: ChangeOptions): Ask => ({
  method: 'DELETE',
  path: onePath(reference),
  query: changeWords(options),
  object: referenceText(reference),
  ...ifMatch(options),
});

export const deleteSetAsk = (files: readonly NamedText[], ignoreNotFound: boolean, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: '/v1alpha1/delete',
  query: { ...changeWords(options), ignoreNotFound: ignoreNotFound ? 'true' : undefined },
  body: JSON.stringify({ files }),
  type: 'application/json',
});

export const syncPlacementAsk = (placement: Reference, waitMs: number, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(placement)}/sync`,
  query: { ...changeWords(options), waitMs: waitMs === 0 ? undefined : String(waitMs) },
  object: referenceText(placement),
  waitMs,
});

export const promoteAsk = (target: Reference, release: string, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(target)}/promote`,
  query: changeWords(options),
  body: JSON.stringify({ release }),
  type: 'application/json',
  object: referenceText(target),
  ...ifMatch(options),
});

export const syncAsk = (app: Reference, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(app)}/sync`,
  query: changeWords(options),
  object: referenceText(app),
});

const clusterOf = (name: string): Reference => ({ kind: kindOf('cluster'), tenant: undefined, name });

export const joinTokenAsk = (name: string, body: { readonly ttlMs: number; readonly accepted: boolean }, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(clusterOf(name))}/join-token`,
  query: changeWords(options),
  body: JSON.stringify(body),
  type: 'application/json',
  object: `cluster/${name}`,
});

export const acceptAsk = (name: string, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(clusterOf(name))}/accept`,
  query: changeWords(options),
  object: `cluster/${name}`,
});
