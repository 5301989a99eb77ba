import type { Rollout, Target } from '#hub/api/mod.ts';
import { stagesOf } from '../groups.ts';
import { html, type Html } from '../html.ts';
import type { Look } from '../questions.ts';
import { alias, counted, healthOrder, held, mark, state, toneOf, why, type Hold } from '../words.ts';

const stagesMax = 8;

/** App x environment: which release runs, which is wanted, and how its placements are. */
export function matrix(look: Look): Html {
  const { targets, environments, rollouts, apps } = look;
  const known = stagesOf(environments.items);
  const used = new Set(targets.items.map(({ spec }) => spec.environment));
  const stages = [...known.filter((name) => used.has(name)), ...[...used].filter((name) => !known.includes(name))];
  const columns = stages.slice(0, stagesMax);
  const byApp = Map.groupBy(targets.items, ({ metadata, spec }) => `${metadata.tenant}/${spec.app}`);
  const moving = new Map(rollouts.items.map((one) => [one.metadata.uid, one]));
  const frozen = new Set(
    environments.items.filter(({ status }) => status.frozen).map(({ metadata }) => `${metadata.tenant}/${metadata.name}`),
  );
  const suspended = new Map(apps.items.map(({ metadata, status }) => [`${metadata.tenant}/${metadata.name}`, status.suspended]));
  if (byApp.size === 0)
    return html`<h2>Apps</h2>
      <p class="empty">None is declared, or none names an environment.</p>`;
  return html`<h2>Apps <span class="quiet">by environment</span></h2>
    <table class="matrix" role="table">
      <caption class="unseen">
        For each app and environment: the release that runs, the one that is wanted, placements by health
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          <th scope="col" role="columnheader">App</th>
          ${columns.map((name) => html`<th scope="col" role="columnheader">${name}</th>`)}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${[...byApp].map(([app, cells]) => row(app, columns, cells, { moving, frozen, suspended: suspended.get(app), look }))}
      </tbody>
    </table>
    ${stages.length > columns.length && html`<p class="more">And ${stages.length - columns.length} more environments: <code>wheelhouse get targets</code></p>`}
    ${targets.metadata.continue !== '' && html`<p class="more">The ${targets.items.length} worst of ${look.status.targets.total} targets are shown: <code>wheelhouse get targets</code></p>`}`;
}

interface Around {
  /** By uid. */
  readonly moving: ReadonlyMap<string, Rollout>;
  /** `tenant/environment` */
  readonly frozen: ReadonlySet<string>;
  readonly suspended: Hold | null | undefined;
  readonly look: Look;
}

function row(app: string, columns: readonly string[], cells: readonly Target[], around: Around): Html {
  const [tenant = '', name = ''] = app.split('/');
  const commit = cells.find(({ status }) => status.commit !== null)?.status.commit;
  return html`<tr role="row">
    <th scope="row" role="rowheader">
      <span class="tenant">${tenant}/</span
      >${name}${commit && html`<span class="commit">${state(commit.outcome)} <code>${commit.commit.slice(0, 7)}</code> ${commit.message}</span>`}
      ${around.suspended && html`<span class="commit">${held(around.suspended, around.look)}</span>`}
    </th>
    ${columns.map((stage) =>
      cell(
        stage,
        cells.find(({ spec }) => spec.environment === stage),
        around,
      ),
    )}
  </tr>`;
}

function cell(stage: string, target: Target | undefined, { moving, frozen }: Around): Html {
  if (!target) return html`<td role="cell" class="none" data-stage="${stage}"><span class="quiet">not targeted</span></td>`;
  const { health, placements, currentAlias, leftOut, rollout, waiting } = target.status;
  const { degraded, unknown, progressing, suspended, healthy } = placements;
  const counts = { Degraded: degraded, Unknown: unknown, Progressing: progressing, Suspended: suspended, Healthy: healthy };
  const wanted = rollout && ['Progressing', 'Paused'].includes(rollout.state) ? moving.get(rollout.uid)?.spec.release : undefined;
  const runs = currentAlias === null ? html`<span class="quiet">nothing yet</span>` : alias(currentAlias);
  return html`<td role="cell" class="${toneOf(health)}" data-stage="${stage}">
    <p class="release">
      ${runs}${wanted !== undefined && wanted !== currentAlias && html`<span class="arrow"> <span aria-hidden="true">→</span><span class="unseen">wanted</span> ${alias(wanted)}</span>`}
    </p>
    ${placements.total === 0 ? html`<p class="quiet">no placements</p>` : counted(counts, healthOrder)}
    ${rollout && !['Succeeded', 'Superseded'].includes(rollout.state) && html`<p class="note">rollout ${state(rollout.state)} ${why(rollout.reason, rollout.message, rollout.state)}</p>`}
    ${frozen.has(`${target.metadata.tenant}/${stage}`) && html`<p class="note"><span class="state frozen">${mark('frozen')}Frozen</span></p>`}
    ${leftOut > 0 && html`<p class="note">${mark('held')}${leftOut} left out: frozen or suspended, and without this release</p>`}
    ${waiting && html`<p class="note">waits: ${why(waiting.reason, waiting.message)}</p>`}
  </td>`;
}
