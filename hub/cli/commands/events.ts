import { kindNamed, readWords } from '../kinds/kinds.ts';
import { formOf } from '../print/forms.ts';
import { eventSelector } from '../requests/events.ts';
import { one } from '../requests/lists.ts';
import type { Session } from '../session.ts';
import { show, type GetOptions } from './get.ts';
import { usageError } from '../exits.ts';

interface EventOptions extends GetOptions {
  readonly type?: string;
}

/** What happened, the latest last; of one thing, also what the rollouts did that changed it. */
export async function events(session: Session, words: readonly string[], options: EventOptions): Promise<void> {
  const client = await session.client();
  const about = words.length === 0 ? [] : [await selectorOf(client, words, options.tenant)];
  const type = options.type === undefined ? [] : [`spec.type=${options.type}`];
  const selectors = [...about, ...type, ...(options.fieldSelector === undefined ? [] : [options.fieldSelector])];
  const fieldSelector = selectors.length === 0 ? undefined : selectors.join(',');
  const request = { tenant: words.length === 0 ? options.tenant : undefined, fieldSelector, limit: options.limit };
  await show(session, client, { kind: kindNamed('Event'), named: [], request, form: formOf(options.output), sortKey: undefined }, options);
}

async function selectorOf(client: Parameters<typeof one>[0], words: readonly string[], tenant: string | undefined): Promise<string> {
  const { kind, named } = readWords(words, tenant);
  const [reference, other] = named;
  if (reference === undefined || other !== undefined)
    throw usageError('events of which one thing?', `wheelhouse events ${kind.singular} NAME`);
  return eventSelector(client, (await one(client, reference)).resource);
}

interface AuditOptions extends GetOptions {
  readonly actor?: string;
  readonly action?: string;
  readonly subject?: string;
}

/** Who did what to what, and why; the latest last. */
export async function audit(session: Session, options: AuditOptions): Promise<void> {
  const { actor, action, subject, tenant, limit } = options;
  const selectors = Object.entries({ actor, action, subject }).flatMap(([field, value]) =>
    value === undefined ? [] : [`spec.${field}=${value}`],
  );
  const request = { tenant, fieldSelector: selectors.length === 0 ? undefined : selectors.join(','), limit };
  const plan = { kind: kindNamed('AuditRecord'), named: [], request, form: formOf(options.output), sortKey: undefined };
  await show(session, await session.client(), plan, options);
}
