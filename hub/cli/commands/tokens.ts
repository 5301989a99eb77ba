import { humanAge } from '../print/ages.ts';
import { documentFormOf, documentText } from '../print/forms.ts';
import { tableLines } from '../print/tables.ts';
import type { ChangeOptions } from '../requests/changes.ts';
import { createTokenAsk, listTokensAsk, revokeTokenAsk } from '../requests/tokens.ts';
import type { Session } from '../session.ts';

interface CreateOptions extends ChangeOptions {
  readonly scope: string;
  readonly name?: string;
  readonly ttl: number;
}

interface Token {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly expiresAt: string;
}

/** The token is the data: `wheelhouse token create --scope read > ci.token`. */
export async function createToken(session: Session, { scope, name, ttl, ...options }: CreateOptions): Promise<void> {
  const client = await session.client();
  const { body: made, at } = await client.send<Token & { readonly token: string }>(createTokenAsk({ scope, name, ttlMs: ttl }, options));
  session.print([made.token]);
  session.say(`token/${made.id} ${made.name}: scope ${made.scope}, good for ${humanAge(Date.parse(made.expiresAt) - at)}, shown this once`);
  session.say(`keep it in a file of mode 0600 (WHEELHOUSE_TOKEN_FILE); it ends earlier by: wheelhouse token revoke ${made.id}`);
}

export async function listTokens(session: Session, { output, headers }: { readonly output?: string; readonly headers: boolean }) {
  const form = documentFormOf(output);
  const client = await session.client();
  const { body, at } = await client.send<{ readonly items: readonly (Token & { readonly createdAt: string })[] }>(listTokensAsk);
  if (form !== 'table') return session.io.out(documentText(form, body));
  const rows = body.items.map(({ id, name, scope, createdAt, expiresAt }) => [
    id,
    name,
    scope,
    humanAge(at - Date.parse(createdAt)),
    humanAge(Date.parse(expiresAt) - at),
  ]);
  session.print(tableLines({ titles: ['ID', 'NAME', 'SCOPE', 'AGE', 'ENDS-IN'], rows }, { headers, paint: session.paint }));
}

export async function revokeToken(session: Session, id: string, options: ChangeOptions): Promise<void> {
  const client = await session.client();
  await client.send(revokeTokenAsk(id, options));
  session.print([`token/${id} revoked${options.dryRun ? ' (dry run)' : ''}`]);
}
