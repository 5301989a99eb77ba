import { changeWords, type ChangeOptions } from './changes.ts';
import type { Ask } from './client.ts';

const path = '/v1alpha1/tokens';

// What is asked about tokens. Pure.

export const createTokenAsk = (
  body: { readonly scope: string; readonly name: string | undefined; readonly ttlMs: number },
  options: ChangeOptions,
): Ask => ({
  method: 'POST',
  path,
  query: changeWords(options),
  body: JSON.stringify(body),
  type: 'application/json',
  object: body.name === undefined ? 'token' : `token/${body.name}`,
});

export const listTokensAsk: Ask = { method: 'GET', path, object: 'tokens' };

export const revokeTokenAsk = (id: string, options: ChangeOptions): Ask => ({
  method: 'DELETE',
  path: `${path}/${encodeURIComponent(id)}`,
  query: changeWords(options),
  object: `token/${id}`,
});
