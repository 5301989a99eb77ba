import { kindOf, referenceText, type Reference } from '../kinds/kinds.ts';
import type { Ask } from './client.ts';
import type { NamedText } from './files.ts';
import { onePath } from './lists.ts';

/** Of every command that changes something. */
export interface ChangeOptions {
  readonly reason?: string;
  readonly dryRun?: boolean;
}

const said = ({ reason, dryRun }: ChangeOptions): Readonly<Record<string, string | undefined>> => ({
  reason,
  dryRun: dryRun ? 'true' : undefined,
});

// What each change asks of the hub. Pure.

export const applyAsk = (files: readonly NamedText[], options: ChangeOptions): Ask => ({
  method: 'POST',
  path: '/v1alpha1/apply',
  query: said(options),
  body: JSON.stringify({ files }),
  type: 'application/json',
});

export const deleteAsk = (reference: Reference, options: ChangeOptions): Ask => ({
  method: 'DELETE',
  path: onePath(reference),
  query: said(options),
  object: referenceText(reference),
});

export const promoteAsk = (target: Reference, release: string, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(target)}/promote`,
  query: said(options),
  body: JSON.stringify({ release }),
  type: 'application/json',
  object: referenceText(target),
});

export const syncAsk = (app: Reference, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(app)}/sync`,
  query: said(options),
  object: referenceText(app),
});

const clusterOf = (name: string): Reference => ({ kind: kindOf('cluster'), tenant: undefined, name });

export const joinTokenAsk = (name: string, body: { readonly ttlMs: number; readonly accepted: boolean }, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(clusterOf(name))}/join-token`,
  query: said(options),
  body: JSON.stringify(body),
  type: 'application/json',
  object: `cluster/${name}`,
});

export const acceptAsk = (name: string, options: ChangeOptions): Ask => ({
  method: 'POST',
  path: `${onePath(clusterOf(name))}/accept`,
  query: said(options),
  object: `cluster/${name}`,
});
