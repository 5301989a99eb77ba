import type { FleetStatus } from '#hub/api/mod.ts';
import { CliError, exits, type Exit } from '../exits.ts';
import { findingLines, fleetFindings, readyFindings, skewFinding, well, wrong, type Finding } from '../print/findings.ts';
import { documentFormOf, documentText } from '../print/forms.ts';
import { Client } from '../requests/client.ts';
import type { Session } from '../session.ts';
import { statusAsk } from './status.ts';

/** Looks at what may be wrong between this machine and a fleet, from near to far; what makes the rest impossible to know ends it. */
export async function doctor(session: Session, { output }: { readonly output?: string }): Promise<Exit> {
  const form = documentFormOf(output);
  const findings: Finding[] = [];
  let exit: Exit = exits.ok;
  try {
    await examine(session, findings);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    findings.push(wrong(checkOf(error), error.message, error.next));
    ({ exit } = error);
  }
  if (form === 'table') session.print(findingLines(findings, session.paint));
  else session.io.out(documentText(form, { findings }));
  return exit === exits.ok && findings.some(({ ok }) => !ok) ? exits.error : exit;
}

const checkOf = ({ code, exit }: CliError): string => (code === 'CONTEXT' ? 'context' : exit === exits.denied ? 'token' : 'hub');

async function examine(session: Session, findings: Finding[]): Promise<void> {
  const { clock } = session.io;
  const { connection, from } = await session.choose();
  findings.push(well('context', `${from}: ${connection.url}`));
  const client = new Client(connection, session.io);
  const [asked, began] = [clock.now(), clock.monotonicMs()];
  const ready = await client.send<{ settling: boolean; recordBehind: string | null }>({ method: 'GET', path: '/readyz', object: 'hub' });
  findings.push(well('hub', `answers in ${Math.round(clock.monotonicMs() - began)} ms`), skewFinding(ready.at, asked, clock.now()));
  const fleet = await client.send<FleetStatus>(statusAsk);
  findings.push(well('token', 'is valid'), ...readyFindings(ready.body), ...fleetFindings(fleet.body));
}
