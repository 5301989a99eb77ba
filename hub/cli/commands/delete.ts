import { usageError } from '../exits.ts';
import { kinds, readWords, referenceText, type Reference } from '../kinds/kinds.ts';
import { deleteAsk, type ChangeOptions } from '../requests/changes.ts';
import { one } from '../requests/lists.ts';
import type { Session } from '../session.ts';

interface DeleteOptions extends ChangeOptions {
  readonly tenant?: string;
}

/** The things to delete. Throws CliError USAGE. Pure. */
export function planDelete(words: readonly string[], { tenant }: DeleteOptions): readonly Reference[] {
  const { kind, named } = readWords(words, tenant);
  if (!kind.declared)
    throw usageError(
      `a ${kind.singular} is not deleted: it is what the hub made of what people declared`,
      `delete one of ${kinds
        .filter(({ declared }) => declared)
        .map(({ plural }) => plural)
        .join(', ')}`,
    );
  if (named.length === 0) throw usageError(`which ${kind.singular}?`, `wheelhouse delete ${kind.singular} NAME`);
  return named;
}

/** One after the other; the first that is refused ends it, and says so. */
export async function remove(session: Session, words: readonly string[], options: DeleteOptions): Promise<void> {
  const named = planDelete(words, options);
  const client = await session.client();
  for (const given of named) {
    const reference = await withTenant(client, given);
    await client.send(deleteAsk(reference, options));
    session.print([`${referenceText(reference)} deleted${options.dryRun ? ' (dry run)' : ''}`]);
  }
}

/** A name without its tenant will do while only one tenant has it. */
export async function withTenant(client: Parameters<typeof one>[0], reference: Reference): Promise<Reference> {
  if (!reference.kind.tenanted || reference.tenant !== undefined) return reference;
  const { resource } = await one<{ metadata: { tenant: string; name: string } }>(client, reference);
  return { ...reference, tenant: resource.metadata.tenant, name: resource.metadata.name };
}
