import { humanAge } from '../print/ages.ts';
import type { Session } from '../session.ts';

/** The link is the data: `xdg-open "$(wheelhouse page)"`. */
export async function page(session: Session): Promise<void> {
  const client = await session.client();
  const ask = { method: 'POST', path: '/v1alpha1/page/invitations', object: 'page' } as const;
  const { body, at } = await client.send<{ path: string; expiresAt: string }>(ask);
  session.print([client.url.replace(/\/+$/, '') + body.path]);
  session.say(`good once, for ${humanAge(Date.parse(body.expiresAt) - at)}: who opens it sees the fleet, and changes nothing`);
}
