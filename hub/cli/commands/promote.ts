import type { Release, Rollout } from '#hub/api/mod.ts';
import { CliError, exits, type Exit } from '../exits.ts';
import { kindNamed, kindOf, namedOf, referenceText, type Reference } from '../kinds/kinds.ts';
import { promoteAsk, type ChangeOptions } from '../requests/changes.ts';
import type { Client } from '../requests/client.ts';
import { list, oneOf } from '../requests/lists.ts';
import type { Session } from '../session.ts';
import { judgeRollout } from '../waits/judge.ts';
import { whyStalled } from '../waits/stalls.ts';
import { waitFor } from '../waits/wait.ts';
import { withTenant } from './delete.ts';

interface PromoteOptions extends ChangeOptions {
  readonly tenant?: string;
  readonly to: string;
  readonly release?: string;
  readonly wait?: boolean;
  readonly timeout: number;
  readonly exitCodeUnchanged?: boolean;
}

interface Promoted {
  readonly rollout: string | null;
  readonly plan: Plan | null;
  readonly waiting: { readonly reason: string; readonly message: string } | null;
}

interface Plan {
  readonly release: string;
  readonly clusters: number;
  readonly unchanged: number;
  readonly waves: number;
}

const planText = ({ release, clusters, unchanged, waves }: Plan): string =>
  `${release} on ${clusters} ${clusters === 1 ? 'cluster' : 'clusters'}${unchanged === 0 ? '' : `, ${unchanged} of which run it already`}${waves === 1 ? '' : `, in ${waves} waves`}`;

export async function promote(session: Session, word: string, options: PromoteOptions): Promise<Exit> {
  const client = await session.client();
  const app = await withTenant(client, namedOf(kindOf('app'), word, options.tenant));
  const target: Reference = { kind: kindNamed('Target'), tenant: app.tenant, name: `${app.name}.${options.to}` };
  const release = options.release ?? (await releaseFor(client, app, options.to));
  session.say(`promoting ${release} to ${referenceText(target)}`);
  const { body } = await client.send<Promoted>(promoteAsk(target, release, options));
  if (body.rollout !== null) {
    session.print([`rollout/${app.tenant}/${body.rollout} started`]);
    if (body.plan) session.say(planText(body.plan));
    if (options.wait) await waitForRollout(session, client, body.rollout, options.timeout);
    return exits.ok;
  }
  if (body.plan !== null) {
    session.print([`${referenceText(target)} would get ${planText(body.plan)} (dry run)`]);
    return exits.ok;
  }
  const { reason = '', message = '' } = body.waiting ?? {};
  if (reason !== '')
    throw new CliError(reason, `${release} may not start yet: ${message}`, {
      exit: exits.refused,
      object: referenceText(target),
      next: `promote again when that has passed; wheelhouse describe target ${app.tenant}/${target.name} says when`,
    });
  session.print([`${referenceText(target)} unchanged${options.dryRun ? ' (dry run)' : ''}`]);
  return options.exitCodeUnchanged ? exits.unchanged : exits.ok;
}

/** What the environments before it run; in a first environment the newest. */
async function releaseFor(client: Client, app: Reference, environment: string): Promise<string> {
  const at = { tenant: app.tenant };
  const { resource } = await oneOf(client, 'Environment', { ...at, name: environment });
  const [before] = resource.spec.after;
  const newest = async (): Promise<string | undefined> => {
    const { items } = await list<Release>(client, kindNamed('Release'), { ...at, fieldSelector: `spec.app=${app.name}`, limit: 1 });
    return items[0]?.spec.alias;
  };
  const proven = async (): Promise<string | null | undefined> =>
    (await oneOf(client, 'Target', { ...at, name: `${app.name}.${before}` })).resource.status.currentAlias;
  const alias = before === undefined ? await newest() : await proven();
  if (alias) return alias;
  throw new CliError('NO_RELEASE', before === undefined ? 'it has no release yet' : `environment ${before} has none to promote`, {
    object: referenceText(app),
    next: 'name one with --release; wheelhouse get releases lists them',
  });
}

async function waitForRollout(session: Session, client: Client, uid: string, timeout: number): Promise<void> {
  const look = async () =>
    judgeRollout((await client.send<Rollout>({ method: 'GET', path: `/v1alpha1/rollouts/${uid}`, object: `rollout/${uid}` })).body);
  await waitFor(session, look, { timeout, why: whyStalled(client) });
  session.say(`rollout ${uid} succeeded`);
}
