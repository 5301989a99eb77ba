import type { Drift } from '#proto/mod.ts';
import type { Happening, News, ToldDrift, ToldPlacement } from './model.ts';

// What is news about what others did to objects. Pure. A spoke counts, so that what many reports in one say is told as often as it happened.

type Stories = Readonly<Record<string, ToldDrift>>;

/** `observed`: the placement is only looked at, so what stands is not about to be corrected. */
export function driftNews(told: Stories, drifts: readonly Drift[], observed: boolean): News<Stories> {
  const next: Record<string, ToldDrift> = {};
  const happenings: Happening[] = [];
  for (const drift of drifts) {
    const before = told[drift.object];
    const firstMs = drift.firstSeenAt?.getTime() ?? 0;
    const known = before?.firstMs === firstMs ? before : undefined;
    const state = drift.state.replace('DRIFT_STATE_', '');
    next[drift.object] = { firstMs, corrections: drift.corrections, state };
    const corrected = drift.corrections - (known?.corrections ?? 0);
    const isNew = known?.state !== state;
    if (corrected > 0) happenings.push(happening(drift, 'Normal', 'DriftCorrected', 'put back', corrected));
    if (state === 'CONTESTED' && isNew)
      happenings.push(happening(drift, 'Warning', 'DriftContested', 'it comes back each time it is put back: decide whose it is', 1));
    if (state === 'STANDING' && isNew && observed)
      happenings.push(happening(drift, 'Warning', 'Drifted', 'left as it is: the placement is only observed', 1));
  }
  return { told: same(told, next) ? told : next, happenings };
}

/** Stories beside what was told of health. */
export function withDrift(told: ToldPlacement | undefined, drifts: readonly Drift[], observed: boolean, now: number): News<ToldPlacement> {
  if (!told && drifts.length === 0) return { told, happenings: [] };
  const base = told ?? { health: '' as const, reason: '', at: now, drift: {} };
  const news = driftNews(base.drift, drifts, observed);
  return { told: news.told === base.drift ? told : { ...base, drift: news.told ?? {} }, happenings: news.happenings };
}

function happening(drift: Drift, type: Happening['type'], reason: string, outcome: string, times: number): Happening {
  const { object, manager } = drift;
  return {
    type,
    reason,
    cause: `${object} ${manager} ${drift.fields[0] ?? ''}`,
    message: `${object}: ${whatText(drift)}; ${outcome}`,
    actor: manager === '' ? '' : `manager:${manager}`,
    times,
  };
}

/** `.spec.replicas changed by kubectl (scale)`: whose hand, and where. */
export function whatText({ kind, fields, fieldsMore, manager, subresource }: Drift): string {
  const by = manager === '' ? ' by somebody' : ` by ${manager}${subresource === '' ? '' : ` (${subresource})`}`;
  if (kind === 'DRIFT_KIND_DELETED') return `deleted${by}`;
  if (kind === 'DRIFT_KIND_REPLACED') return `replaced${by}`;
  const where = fields.length === 0 ? '' : `${fields.join(', ')}${fieldsMore > 0 ? ` and ${fieldsMore} more` : ''} `;
  return `${where}changed${by}`;
}

const same = (a: Stories, b: Stories): boolean => {
  const keys = Object.keys(b);
  return (
    keys.length === Object.keys(a).length &&
    keys.every((key) => {
      const [left, right] = [a[key], b[key]];
      return left?.firstMs === right?.firstMs && left?.corrections === right?.corrections && left?.state === right?.state;
    })
  );
};
