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

/**
 * What `KIND`, `KIND NAME...`, `KIND/NAME...` mean: one kind, and the things of it that are named; none: all of them. Throws CliError USAGE.
 */
export function readWords(
  words: readonly string[],
  tenant: string | undefined,
): { readonly kind: Kind; readonly named: readonly Reference[] } {
  const [first = '', ...rest] = words;
  const slash = first.indexOf('/');
  if (slash < 0) {
    const kind = kindOf(first);
    return { kind, named: rest.map((word) => namedOf(kind, word, tenant)) };
  }
  const kind = kindOf(first.slice(0, slash));
  const named = words.map((word) => {
    if (!word.includes('/') || kindOf(word.slice(0, word.indexOf('/'))) !== kind)
      throw usageError(`"${word}" is not KIND/NAME of a ${kind.singular}, as "${first}" is`, 'name things of one kind at a time');
    return namedOf(kind, word.slice(word.indexOf('/') + 1), tenant);
  });
  return { kind, named };
}
