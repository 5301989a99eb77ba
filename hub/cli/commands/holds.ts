import type { Placement } from '#hub/api/mod.ts';
import { CliError, exits, usageError, type Exit } from '../exits.ts';
import { kindNamed, namedOf, readWords, type Kind, type Reference } from '../kinds/kinds.ts';
import type { ChangeOptions } from '../requests/changes.ts';
import type { Client } from '../requests/client.ts';
import { heldText, holdAsk, type Held, type HoldEnd, type HoldVerb } from '../requests/holds.ts';
import type { Session } from '../session.ts';
import type { Hold } from '../print/holds.ts';
import { withTenant } from './delete.ts';
import { placementsOn } from './tree.ts';

export interface HoldOptions extends ChangeOptions {
  readonly tenant?: string;
  /** Milliseconds. */
  readonly for?: number;
  readonly until?: string;
  readonly cluster?: string;
  readonly exitCodeUnchanged?: boolean;
}

interface Changed {
  readonly changed: boolean;
  readonly hold: Hold | null;
  readonly rollouts: number;
  readonly placements: number;
}

/** What each verb is for; the others of its kind say the same. */
export const holdable: Readonly<Record<HoldVerb, readonly string[]>> = {
  freeze: ['cluster', 'environment', 'fleet'],
  unfreeze: ['cluster', 'environment', 'fleet'],
  suspend: ['app', 'placement', 'rollout'],
  resume: ['app', 'placement', 'rollout'],
};

export interface HoldPlan {
  readonly named: readonly Held[];
  readonly end: HoldEnd;
}

/** What to stop or let go, and until when. Throws CliError USAGE. Pure. */
export function planHold(verb: HoldVerb, words: readonly string[], options: HoldOptions): HoldPlan {
  const end = endOf(options);
  if (words[0] === 'fleet') {
    if (!holdable[verb].includes('fleet') || words.length > 1) throw usageError(`${verb} ${words.join(' ')} says nothing`, usage(verb));
    return { named: ['fleet'], end };
  }
  const { kind, named } = readWords(words, options.tenant);
  if (!holdable[verb].includes(kind.singular))
    throw usageError(`${verb} is for ${holdable[verb].join(', ')}, not for ${kind.plural}`, usage(verb));
  if (named.length === 0) throw usageError(`which ${kind.singular}?`, `wheelhouse ${verb} ${kind.singular} NAME`);
  if (options.cluster !== undefined && kind.kind !== 'App') throw usageError('--cluster narrows an app', usage(verb));
  if (options.cluster !== undefined) namedOf(kindNamed('Cluster'), options.cluster, undefined);
  return { named, end };
}

const usage = (verb: HoldVerb): string => `wheelhouse ${verb} ${holdable[verb].join('|')} NAME`;

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

function endOf({ for: forMs, until }: HoldOptions): HoldEnd {
  if (forMs !== undefined && until !== undefined) throw usageError('--for and --until say the same', 'give one of them');
  if (until === undefined) return forMs === undefined ? {} : { forMs };
  if (!rfc3339.test(until) || Number.isNaN(Date.parse(until)))
    throw usageError(`--until ${until} is no time`, 'write it as 2026-12-24T18:00:00Z, or say --for 2h');
  return { until: new Date(until).toISOString() };
}

/** One after the other; the first that is refused ends it, and says so. */
export async function hold(session: Session, verb: HoldVerb, words: readonly string[], options: HoldOptions): Promise<Exit> {
  const { named, end } = planHold(verb, words, options);
  const client = await session.client();
  let changes = 0;
  for (const given of named) {
    for (const one of await heldBy(client, given, options)) {
      const { body } = await client.send<Changed>(holdAsk(verb, one, end, options));
      session.print([resultLine(verb, one, body, options)]);
      if (!body.changed) continue;
      changes++;
      const effect = effectText(verb, one, body);
      if (!options.dryRun && effect !== '') session.say(effect);
    }
  }
  return changes === 0 && options.exitCodeUnchanged ? exits.unchanged : exits.ok;
}

/** With its tenant; an app with --cluster is what is placed of it there. */
async function heldBy(client: Client, given: Held, { cluster, tenant }: HoldOptions): Promise<readonly Held[]> {
  if (given === 'fleet') return [given];
  if (cluster === undefined) return [await withTenant(client, given)];
  const { items } = await placementsOn(client, cluster, { tenant: given.tenant ?? tenant, app: given.name });
  if (items.length === 0)
    throw new CliError('NOT_FOUND', `app ${given.name} is not placed on it`, {
      object: `cluster/${cluster}`,
      next: `wheelhouse tree ${cluster} shows what is`,
    });
  if (new Set(items.map(({ metadata }) => metadata.tenant)).size > 1)
    throw new CliError('AMBIGUOUS', `several tenants have an app ${given.name} there`, {
      object: `cluster/${cluster}`,
      next: `name the tenant: -t TENANT, or TENANT/${given.name}`,
    });
  return items.map((placement) => placementReference(placement));
}

const placement: Kind = kindNamed('Placement');
const placementReference = ({ metadata }: Placement): Reference => ({ kind: placement, tenant: metadata.tenant, name: metadata.name });

const done: Readonly<Record<HoldVerb, string>> = { freeze: 'frozen', unfreeze: 'unfrozen', suspend: 'suspended', resume: 'resumed' };

/** Pure. */
function resultLine(verb: HoldVerb, held: Held, { changed, hold: now }: Changed, { dryRun }: HoldOptions): string {
  if (!changed) return `${heldText(held)} unchanged`;
  const end = now && now.until !== null ? ` until ${now.until}` : '';
  return `${heldText(held)} ${done[verb]}${end}${dryRun ? ' (dry run)' : ''}`;
}

const many = (count: number, one: string, more: string): string => `${count} ${count === 1 ? one : more}`;

/** What follows from it, for who did not expect it. Pure. */
function effectText(verb: HoldVerb, held: Held, { rollouts, placements }: Changed): string {
  const kind = held === 'fleet' ? 'fleet' : held.kind.singular;
  const running = many(rollouts, 'running rollout', 'running rollouts');
  const placed = many(placements, 'placement', 'placements');
  if (verb === 'unfreeze') return kind === 'cluster' ? 'what it lacks of the current releases comes by rollouts of type Join' : '';
  if (verb === 'resume') return kind === 'rollout' ? '' : `${placed} corrected again, and brought what it missed`;
  if (verb === 'suspend')
    return kind === 'rollout'
      ? 'what it has started goes on; nothing newer begins beside it by itself, only what is promoted by hand supersedes it'
      : `${placed} left alone: nothing is written, drift is not corrected, rollouts leave it out`;
  return kind === 'cluster'
    ? `it keeps what it runs and drift is corrected; rollouts leave it out${rollouts === 0 ? '' : ` (${running} there; what has been started goes on)`}`
    : `what has been started goes on; nothing else begins${rollouts === 0 ? '' : ` (${running} waiting)`}`;
}
