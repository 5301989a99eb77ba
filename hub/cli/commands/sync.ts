import { CliError } from '../exits.ts';
import { kindOf, namedOf, referenceText } from '../kinds/kinds.ts';
import { syncAsk, type ChangeOptions } from '../requests/changes.ts';
import { oneOf } from '../requests/lists.ts';
import type { Session } from '../session.ts';
import { judgeSource, judgeTargets } from '../waits/judge.ts';
import { waitFor } from '../waits/wait.ts';
import { failedRollouts, settleMs, targetsOfApp } from './apply.ts';
import { withTenant } from './delete.ts';

interface SyncOptions extends ChangeOptions {
  readonly tenant?: string;
  readonly wait?: boolean;
  readonly timeout: number;
}

/** Looks at an app's source now; with --wait until what was found there has travelled as far as it may by itself. */
export async function sync(session: Session, word: string, options: SyncOptions): Promise<void> {
  const client = await session.client();
  const app = await withTenant(client, namedOf(kindOf('app'), word, options.tenant));
  const read = async () => (await oneOf(client, 'App', { tenant: app.tenant, name: app.name })).resource;
  const before = options.wait ? ((await read()).status.source?.answeredAt ?? null) : null;
  const known = options.wait ? await failedRollouts(client) : new Set<string>();
  await client.send(syncAsk(app, options));
  session.print([`${referenceText(app)} synced${options.dryRun ? ' (dry run)' : ''}`]);
  if (!options.wait || options.dryRun) return;
  await waitFor(
    session,
    async () => {
      const now = await read();
      const source = judgeSource(now, before);
      if (source.failed !== undefined)
        throw new CliError('RELEASE_FAILED', source.failed, { object: referenceText(app), next: 'mend what it names, and push again' });
      return source.waitsFor.length > 0 ? source : judgeTargets(await targetsOfApp(client, now), known);
    },
    { timeout: options.timeout, settleMs },
  );
}
