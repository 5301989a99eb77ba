import { CliError } from '../exits.ts';
import { objectOf, type AnyResource } from '../kinds/kinds.ts';
import { documentText, tableOf, type Shown } from '../print/forms.ts';
import { fillTemplate } from '../print/jsonpath.ts';
import { rowLine, widthsOf } from '../print/tables.ts';
import type { Client } from '../requests/client.ts';
import { list, listAsk } from '../requests/lists.ts';
import type { StreamEvent } from '../requests/stream.ts';
import type { Session } from '../session.ts';
import type { GetPlan } from './get.ts';

interface Begun extends GetPlan {
  readonly shown: Shown;
  readonly resourceVersion: string;
}

const pauseMs = 1_000;
/** Of a state: Disconnected. */
const wordMax = 12;

/** Prints what is there, then each change as it comes, until the time is over or somebody stops it. A lost connection is taken up again. */
export async function watch(
  session: Session,
  client: Client,
  plan: Begun,
  { headers, timeout }: { readonly headers: boolean; readonly timeout?: number },
): Promise<void> {
  const { clock, stop } = session.io;
  const over = new AbortController();
  const cancel = timeout === undefined ? () => {} : clock.after(timeout, () => over.abort());
  const signal = AbortSignal.any([stop, over.signal]);
  const print = printer(session, plan, headers);
  for (const item of plan.shown.items) print(item, plan.shown.now);
  let from = plan.resourceVersion;
  while (!signal.aborted) {
    from = await followOnce(session, client, plan, { from, signal, print });
    await clock.sleep(pauseMs, signal).catch(() => undefined);
  }
  cancel();
}

type Print = (item: AnyResource, now: number, gone?: boolean) => void;

/** One connection, from `from` on. Resolves with where the next one begins. */
async function followOnce(
  session: Session,
  client: Client,
  plan: Begun,
  { from, signal, print }: { from: string; signal: AbortSignal; print: Print },
): Promise<string> {
  const ask = listAsk(plan.kind, plan.request);
  const { limit: _, ...query } = ask.query ?? {};
  let last = from;
  try {
    for await (const event of client.follow({ ...ask, query: { ...query, watch: 'true', resourceVersion: from } }, signal)) {
      if (event.id !== '') last = event.id;
      const item = itemIn(event);
      if (item) print(item, session.io.clock.now(), event.event === 'deleted');
    }
    return last;
  } catch (error) {
    if (signal.aborted) return last;
    if (!(error instanceof CliError)) throw error;
    if (error.code === 'WATCH_EXPIRED') {
      const again = await list(client, plan.kind, plan.request);
      for (const item of again.items) print(item, again.at);
      return again.resourceVersion;
    }
    if (error.code !== 'HUB_UNREACHABLE' && error.code !== 'TOO_MANY_WATCHERS') throw error;
    session.say(`the watch is interrupted, trying again: ${error.message}`);
    return last;
  }
}

function itemIn({ event, data }: StreamEvent): AnyResource | undefined {
  if (!['added', 'modified', 'deleted'].includes(event)) return undefined;
  return JSON.parse(data) as AnyResource;
}

/** Rows of one width, so that later ones stand below earlier ones; of the other forms, one document after the other. */
function printer(session: Session, { kind, form, shown }: Begun, headers: boolean): Print {
  const { out } = session.io;
  if (form.form !== 'table')
    return (item, _, gone) => {
      if (form.form === 'name') out(`${objectOf(item)}${gone ? ' deleted' : ''}\n`);
      else if (form.form === 'json') out(`${JSON.stringify(item)}\n`);
      else if (form.form === 'yaml') out(`---\n${documentText('yaml', item)}`);
      else if (form.form === 'jsonpath') out(fillTemplate(form.template, item));
    };
  const first = tableOf(kind, shown.items, form.wide, shown.now);
  // What comes later may be longer than what is there.
  const widths = widthsOf(first).map((width) => Math.max(width, wordMax));
  if (headers) out(`${rowLine(first.titles, widths, 'plain')}\n`);
  return (item, now, gone) => {
    // Of what is gone only its name is known.
    if (gone) return out(`${objectOf(item)} deleted\n`);
    out(`${rowLine(tableOf(kind, [item], form.wide, now).rows[0] ?? [], widths, session.paint, form.wide ? undefined : session.width)}\n`);
  };
}
