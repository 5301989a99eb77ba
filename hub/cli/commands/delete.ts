import { CliError, exits, usageError, type Exit } from '../exits.ts';
import { kinds, readSelections, referenceText, subjectWord, type Reference } from '../kinds/kinds.ts';
import { deleteAsk, deleteSetAsk, type ChangeOptions } from '../requests/changes.ts';
import { readSets } from '../requests/files.ts';
import { one } from '../requests/lists.ts';
import { sendSet } from '../requests/sets.ts';
import type { Session } from '../session.ts';

export interface DeleteOptions extends ChangeOptions {
  readonly tenant?: string;
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly ignoreNotFound?: boolean;
  readonly resourceVersion?: string;
}

/** The things to delete. Throws CliError USAGE. Pure. */
export function planDelete(words: readonly string[], { tenant, filename, resourceVersion }: DeleteOptions): readonly Reference[] {
  if (filename !== undefined) {
    if (words.length > 0) throw usageError('-f names everything that is deleted', 'leave out either -f or KIND and NAME');
    return [];
  }
  if (words.length === 0) throw usageError('what is deleted?', 'wheelhouse delete KIND NAME, or wheelhouse delete -f FILE');
  const selections = readSelections(words, tenant);
  for (const { kind, named: ofKind } of selections) {
    if (!kind.declared)
      throw usageError(
        `a ${kind.singular} is not deleted: it is what the hub made of what people declared`,
        `delete one of ${kinds
          .filter(({ declared }) => declared)
          .map(({ plural }) => plural)
          .join(', ')}`,
      );
    if (ofKind.length === 0) throw usageError(`which ${kind.singular}?`, `wheelhouse delete ${kind.singular} NAME`);
  }
  const named = selections.flatMap(({ named }) => named);
  if (named.length > 1 && resourceVersion !== undefined) throw usageError('--resource-version is of one thing', 'delete one at a time');
  return named;
}

export async function remove(session: Session, words: readonly string[], options: DeleteOptions): Promise<Exit> {
  const named = planDelete(words, options);
  return options.filename === undefined ? removeNamed(session, named, options) : removeSet(session, options.filename, options);
}

interface Deleted {
  readonly items: readonly { readonly subject: string; readonly action: 'deleted' | 'absent' }[];
}

/** All that the files name, or nothing. */
async function removeSet(session: Session, filename: readonly string[], options: DeleteOptions): Promise<Exit> {
  const set = await readSets(session.io, filename, options.recursive ?? false);
  const { items } = await sendSet<Deleted>(await session.client(), deleteSetAsk(set, options.ignoreNotFound ?? false, options), 'deleted');
  const said = options.dryRun ? ' (dry run)' : '';
  session.print(items.flatMap(({ subject, action }) => (action === 'deleted' ? [`${subjectWord(subject)} deleted${said}`] : [])));
  return exits.ok;
}

const absent = new Set(['NOT_FOUND', 'NOT_DECLARED']);

/** One after the other; one that is refused does not keep the others, and all that were are said at the end. */
async function removeNamed(session: Session, named: readonly Reference[], options: DeleteOptions): Promise<Exit> {
  const client = await session.client();
  const refused: CliError[] = [];
  for (const given of named)
    try {
      const reference = await withTenant(client, given);
      await client.send(deleteAsk(reference, options));
      session.print([`${referenceText(reference)} deleted${options.dryRun ? ' (dry run)' : ''}`]);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      if (error.exit === exits.unreachable || error.exit === exits.denied) throw error;
      if (!(options.ignoreNotFound && absent.has(error.code))) refused.push(error);
    }
  for (const error of refused.slice(0, -1)) session.sayError(error);
  const last = refused.at(-1);
  if (last) throw last;
  return exits.ok;
}

/** A name without its tenant will do while only one tenant has it. */
export async function withTenant(client: Parameters<typeof one>[0], reference: Reference): Promise<Reference> {
  if (!reference.kind.tenanted || reference.tenant !== undefined) return reference;
  const { resource } = await one<{ metadata: { tenant: string; name: string } }>(client, reference);
  return { ...reference, tenant: resource.metadata.tenant, name: resource.metadata.name };
}
