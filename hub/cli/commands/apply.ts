import type { App, Target } from '#hub/api/mod.ts';
import { exits, usageError, type Exit } from '../exits.ts';
import { kindNamed, kindOf, subjectWord } from '../kinds/kinds.ts';
import { documentText } from '../print/forms.ts';
import { applyAsk, type ChangeOptions } from '../requests/changes.ts';
import type { Client } from '../requests/client.ts';
import { readSets } from '../requests/files.ts';
import { list } from '../requests/lists.ts';
import { sendSet } from '../requests/sets.ts';
import type { Session } from '../session.ts';
import { judgeTargets, type Look } from '../waits/judge.ts';
import { degradedRollouts, whyStalled } from '../waits/stalls.ts';
import { waitFor } from '../waits/wait.ts';

/** The hub's answer. */
export interface Applied {
  readonly items: readonly { readonly subject: string; readonly action: 'created' | 'configured' | 'unchanged' }[];
  readonly retire: readonly string[];
  readonly dryRun: boolean;
}

export interface ApplyOptions extends ChangeOptions {
  readonly filename: readonly string[];
  readonly recursive?: boolean;
  readonly output?: string;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly exitCodeUnchanged?: boolean;
}

/** What was done, a line for each thing. Pure. */
export const appliedLines = ({ items, dryRun }: Applied): readonly string[] =>
  items.map(({ subject, action }) => `${subjectWord(subject)} ${action}${dryRun ? ' (dry run)' : ''}`);

/** A wanted change of the apps that a set touches; what a tenant or an environment says concerns all of its apps. Pure. */
export function concerns({ items }: Applied): (target: Target) => boolean {
  const parts = items.map(({ subject }) => subject.split('/'));
  const has = (kind: string, ...path: readonly string[]): boolean => parts.some((part) => part.join('/') === [kind, ...path].join('/'));
  const fleetWide = parts.some(([kind]) => kind === 'Cluster');
  return ({ metadata: { tenant }, spec: { app, environment } }) =>
    fleetWide || has('Tenant', tenant) || has('App', tenant, app) || has('Environment', tenant, environment);
}

export async function apply(session: Session, options: ApplyOptions): Promise<Exit> {
  const form = options.output;
  if (form !== undefined && !['json', 'yaml', 'name'].includes(form))
    throw usageError(`-o ${form} is no form of this output`, 'one of json, yaml, name');
  const set = await readSets(session.io, options.filename, options.recursive ?? false);
  const client = await session.client();
  const before = options.wait ? rolloutsOf(await targetsOf(client)) : new Set<string>();
  const applied = await sendSet<Applied>(client, applyAsk(set, options), 'applied');
  if (form === 'json' || form === 'yaml') session.io.out(documentText(form, applied));
  else if (form === 'name') session.print(applied.items.map(({ subject }) => subjectWord(subject)));
  else session.print(appliedLines(applied));
  for (const target of applied.retire) session.say(`${target} is named no more; what it runs stays until it is retired`);
  const unchanged = applied.items.every(({ action }) => action === 'unchanged');
  // What changes nothing brings nothing that could mend what is stuck.
  const known = unchanged ? new Set<string>() : before;
  if (options.wait && !options.dryRun) await waitForSet(session, client, applied, known, options.timeout);
  return unchanged && options.exitCodeUnchanged ? exits.unchanged : exits.ok;
}

const targetsOf = async (client: Client): Promise<readonly Target[]> =>
  (await list<Target>(client, kindNamed('Target'), { sort: 'name', limit: 0 })).items;

const rolloutsOf = (targets: readonly Target[]): Set<string> =>
  new Set(targets.flatMap(({ status: { rollout } }) => (rollout ? [rollout.uid] : [])));

/** What the hub needs to turn what was declared into rollouts. */
export const settleMs = 2_000;

async function waitForSet(session: Session, client: Client, applied: Applied, known: ReadonlySet<string>, timeout: number): Promise<void> {
  const concerned = concerns(applied);
  const look = async () => lookAt(client, (await targetsOf(client)).filter(concerned), known);
  await waitFor(session, look, { timeout, settleMs, why: whyStalled(client) });
}

export const lookAt = async (client: Client, targets: readonly Target[], known: ReadonlySet<string>, tenant?: string): Promise<Look> =>
  judgeTargets(targets, { degraded: await degradedRollouts(client, targets, tenant), known });

/** The targets of one app. */
export async function targetsOfApp(client: Client, { metadata: { tenant, name } }: App): Promise<readonly Target[]> {
  const found = await list<Target>(client, kindOf('targets'), { tenant, fieldSelector: `spec.app=${name}`, sort: 'name', limit: 0 });
  return found.items;
}
