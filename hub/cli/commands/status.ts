import type { FleetStatus } from '#hub/api/mod.ts';
import { documentFormOf, documentText } from '../print/forms.ts';
import { statusLines } from '../print/status.ts';
import type { Ask } from '../requests/client.ts';
import type { Session } from '../session.ts';

export const statusAsk: Ask = { method: 'GET', path: '/v1alpha1/status', object: 'status' };

export async function status(session: Session, { output }: { readonly output?: string }): Promise<void> {
  const form = documentFormOf(output);
  const client = await session.client();
  const { body, at } = await client.send<FleetStatus>(statusAsk);
  if (form !== 'table') return session.io.out(documentText(form, body));
  session.print(statusLines(body, { url: client.url, now: at, paint: session.paint, width: session.width }));
}
