import { kindNamed, readWords, subjectOf, type Reference } from '../kinds/kinds.ts';
import { formOf } from '../print/forms.ts';
import type { Client } from '../requests/client.ts';
import { eventsOf } from '../requests/events.ts';
import { one } from '../requests/lists.ts';
import type { Session } from '../session.ts';
import { show, type GetOptions } from './get.ts';
import { usageError } from '../exits.ts';
import { withTenant } from './delete.ts';

interface EventOptions extends GetOptions {
  readonly type?: string;
}

/** What happened, the latest last; of one thing, all that concerns it. */
export async function events(session: Session, words: readonly string[], options: EventOptions): Promise<void> {
  const client = await session.client();
  const about = words.length === 0 ? { tenant: options.tenant } : await eventsOfWords(client, words, options.tenant);
  const type = options.type === undefined ? undefined : `spec.type=${options.type}`;
  const request = { tenant: about.tenant, fieldSelector: joined(about.fieldSelector, type, options.fieldSelector), limit: options.limit };
  await show(session, client, { kind: kindNamed('Event'), named: [], request, form: formOf(options.output), sortKey: undefined }, options);
}

const joined = (...selectors: readonly (string | undefined)[]): string | undefined => {
  const given = selectors.filter((one) => one !== undefined);
  return given.length === 0 ? undefined : given.join(',');
};

async function eventsOfWords(client: Client, words: readonly string[], tenant: string | undefined): Promise<ReturnType<typeof eventsOf>> {
  return eventsOf((await one(client, oneNamed('events', words, tenant))).resource);
}

function oneNamed(command: string, words: readonly string[], tenant: string | undefined): Reference {
  const { kind, named } = readWords(words, tenant);
  const [reference, other] = named;
  if (reference === undefined || other !== undefined)
    throw usageError(`${command} of which one thing?`, `wheelhouse ${command} ${kind.singular} NAME`);
  return reference;
}

interface AuditOptions extends GetOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
}

/** Who did what to what, and why; the latest last. What is named need not be there any more. */
export async function audit(session: Session, words: readonly string[], options: AuditOptions): Promise<void> {
  const { actor, action, tenant, limit } = options;
  if (words.length > 0 && options.subject !== undefined) throw usageError('--subject names the thing already', 'leave out one of the two');
  const client = await session.client();
  const subject = words.length === 0 ? options.subject : subjectOf(await withTenant(client, oneNamed('audit', words, tenant)));
  const selectors = Object.entries({ actor, action, subject }).map(([field, value]) =>
    value === undefined ? undefined : `spec.${field}=${value}`,
  );
  const request = { tenant: words.length === 0 ? tenant : undefined, fieldSelector: joined(...selectors, options.fieldSelector), limit };
  const plan = { kind: kindNamed('AuditRecord'), named: [], request, form: formOf(options.output), sortKey: undefined };
  await show(session, client, plan, options);
}
