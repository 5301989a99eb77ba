import type { App, AuditRecord, Cluster, Environment, Event, Placement, Release, Rollout, Target, Tenant } from '#hub/api/mod.ts';
import { usageError } from '../exits.ts';

export interface Resources {
  Cluster: Cluster;
  Tenant: Tenant;
  Environment: Environment;
  App: App;
  Target: Target;
  Placement: Placement;
  Release: Release;
  Rollout: Rollout;
  Event: Event;
  AuditRecord: AuditRecord;
}
export type KindName = keyof Resources;
export type AnyResource = Resources[KindName];

export interface Kind {
  readonly kind: KindName;
  /** As in the path of the API, and the word that people write. */
  readonly plural: string;
  readonly singular: string;
  readonly short: readonly string[];
  readonly tenanted: boolean;
  /** Written by people: can be applied and deleted. */
  readonly declared: boolean;
  /** Its names are unique across tenants: uids and numbers. */
  readonly named: 'name' | 'uid';
  /** Newest first in the API; shown oldest first, so that the latest stands beside the prompt. */
  readonly log: boolean;
}

const kind = (kind: KindName, plural: string, short: readonly string[], more: Partial<Kind> = {}): Kind => ({
  kind,
  plural,
  singular: kind.toLowerCase(),
  short,
  tenanted: true,
  declared: false,
  named: 'name',
  log: false,
  ...more,
});

export const kinds: readonly Kind[] = [
  kind('Cluster', 'clusters', ['cl'], { tenanted: false, declared: true }),
  kind('Tenant', 'tenants', ['tn'], { tenanted: false, declared: true }),
  kind('Environment', 'environments', ['env'], { declared: true }),
  kind('App', 'apps', [], { declared: true }),
  kind('Target', 'targets', ['tg']),
  kind('Placement', 'placements', ['pl']),
  kind('Release', 'releases', ['rel']),
  kind('Rollout', 'rollouts', ['ro'], { named: 'uid' }),
  kind('Event', 'events', ['ev'], { named: 'uid', log: true }),
  kind('AuditRecord', 'audit', [], { named: 'uid', log: true }),
];

const wordsOf = ({ kind, plural, singular, short }: Kind): readonly string[] => [kind, plural, singular, ...short];

/** The kind that a word names, in any of its forms. Throws CliError USAGE that lists them all. */
export function kindOf(word: string): Kind {
  const found = kinds.find((one) => wordsOf(one).some((each) => each.toLowerCase() === word.toLowerCase()));
  if (found) return found;
  throw usageError(`there is no kind "${word}"`, `one of ${kinds.map(({ plural, short }) => [plural, ...short].join('|')).join(', ')}`);
}

export const kindNamed = (name: KindName): Kind => kinds.find(({ kind }) => kind === name) as Kind;

export interface Reference {
  readonly kind: Kind;
  /** Undefined: of the fleet, or of whichever tenant has one of that name. */
  readonly tenant: string | undefined;
  readonly name: string;
}

/** `cluster/dev-1`, `app/storefront/shop`: how things are written in one word, and read back. */
export const referenceText = ({ kind, tenant, name }: Reference): string =>
  [kind.singular, ...(tenant === undefined ? [] : [tenant]), name].join('/');

/** `Kind/tenant/name`, as the hub writes what was changed, as people write it: `kind/tenant/name`. */
export const subjectWord = (subject: string): string => subject.replace(/^[A-Za-z]+/, (kind) => kind.toLowerCase());

/** As the audit log names it. */
export const subjectOf = ({ kind, tenant, name }: Reference): string =>
  [kind.kind, ...(tenant === undefined ? [] : [tenant]), name].join('/');

export const objectOf = ({ kind, metadata }: AnyResource): string => {
  const tenant = 'tenant' in metadata ? (metadata.tenant ?? undefined) : undefined;
  return referenceText({ kind: kindNamed(kind), tenant, name: metadata.name });
};

/** NAME or TENANT/NAME of a kind. */
export function namedOf(kind: Kind, word: string, tenant: string | undefined): Reference {
  const parts = word.split('/');
  const [first = '', second] = parts;
  const allowed = kind.tenanted && tenant === undefined ? 2 : 1;
  if (parts.length > allowed || parts.includes(''))
    throw usageError(`"${word}" is no name of a ${kind.singular}`, allowed === 2 ? 'write NAME or TENANT/NAME' : 'write NAME');
  return { kind, tenant: second === undefined ? tenant : first, name: second ?? first };
}

/** Things of one kind: those that are named; none: all of them. */
export interface Selection {
  readonly kind: Kind;
  readonly named: readonly Reference[];
}

/**
 * What `KIND[,KIND] [NAME...]` and `KIND/NAME[,KIND/NAME] ...` mean, as kubectl reads them: kinds in the order in which they are named first, each with what
 * is named of it. A tenant is for the kinds that have one. Throws CliError USAGE.
 */
export function readSelections(words: readonly string[], tenant: string | undefined): readonly [Selection, ...Selection[]] {
  const [first = '', ...names] = words;
  const tenantOf = (kind: Kind): string | undefined => (kind.tenanted ? tenant : undefined);
  const selections = first.includes('/')
    ? groupedByKind(words.flatMap((word) => word.split(',')).map((word) => slashed(word, tenantOf)))
    : [...new Set(first.split(',').map(kindOf))].map((kind) => ({ kind, named: names.map((name) => namedOf(kind, name, tenantOf(kind))) }));
  return selections as [Selection, ...Selection[]];
}

function slashed(word: string, tenantOf: (kind: Kind) => string | undefined): Reference {
  const slash = word.indexOf('/');
  if (slash < 0) throw usageError(`"${word}" is not KIND/NAME, as others are`, 'write all as KIND/NAME, or KIND NAME...');
  const kind = kindOf(word.slice(0, slash));
  return namedOf(kind, word.slice(slash + 1), tenantOf(kind));
}

const groupedByKind = (all: readonly Reference[]): readonly Selection[] =>
  [...Map.groupBy(all, ({ kind }) => kind)].map(([kind, named]) => ({ kind, named }));

/** The same, of commands that are about one kind at a time. Throws CliError USAGE. */
export function readWords(words: readonly string[], tenant: string | undefined): Selection {
  const [selection, other] = readSelections(words, tenant);
  if (other) throw usageError(`a ${selection.kind.singular} and a ${other.kind.singular}`, 'name things of one kind at a time');
  return selection;
}
