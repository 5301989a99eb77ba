import { exits, type Exit } from '../exits.ts';
import { humanAge } from '../print/ages.ts';
import { acceptAsk, joinTokenAsk, type ChangeOptions } from '../requests/changes.ts';
import type { Session } from '../session.ts';

interface TokenOptions extends ChangeOptions {
  readonly ttl: number;
  readonly accepted?: boolean;
}

interface AcceptOptions extends ChangeOptions {
  readonly exitCodeUnchanged?: boolean;
}

/** The token is the data: `wheelhouse cluster join-token dev-1 > token`. */
export async function joinToken(session: Session, name: string, options: TokenOptions): Promise<void> {
  const client = await session.client();
  const body = { ttlMs: options.ttl, accepted: options.accepted ?? false };
  const { body: made, at } = await client.send<{ token: string; expiresAt: string }>(joinTokenAsk(name, body, options));
  session.print([made.token]);
  const then = options.accepted ? 'is accepted at once' : `waits for wheelhouse cluster accept ${name}`;
  session.say(
    `good for one agent and ${humanAge(Date.parse(made.expiresAt) - at)}, shown this once; who uses it becomes cluster ${name} and ${then}`,
  );
}

export async function accept(session: Session, name: string, options: AcceptOptions): Promise<Exit> {
  const client = await session.client();
  const { body } = await client.send<{ readonly changed: boolean }>(acceptAsk(name, options));
  session.print([`cluster/${name} ${body.changed ? 'accepted' : 'unchanged'}${options.dryRun ? ' (dry run)' : ''}`]);
  return !body.changed && options.exitCodeUnchanged ? exits.unchanged : exits.ok;
}
