import { humanAge } from '#shared/kernel/mod.ts';
import { silenceText, type Evidence, type Silence } from '#hub/health/mod.ts';
import type { Happening, News, ToldCluster, ToldPlacement } from './model.ts';

// What is news about contact and health. Pure: levels in, what to tell out; who looks twice hears nothing new.

const connected = 'Connected';
/** A silence that is the hub's own: nothing has happened to the cluster. */
const own: ReadonlySet<Silence> = new Set(['Settling', 'ReportsOutOfDate']);

const nobody = { actor: '', times: 1 } as const;

/** `silence` undefined: it is heard. One that was never heard is no news: it has not been lost. */
export function clusterNews(
  told: ToldCluster | undefined,
  silence: Silence | undefined,
  doubtMessage: string,
  now: number,
): News<ToldCluster> {
  if (silence !== undefined && (told === undefined || own.has(silence))) return { told, happenings: [] };
  const contact = silence ?? connected;
  if (told?.contact === contact) return { told, happenings: [] };
  if (silence === undefined) {
    const message = told ? `heard again after ${humanAge(now - told.at)} (${told.contact})` : 'its agent is heard';
    return {
      told: { contact, at: now },
      happenings: [{ ...nobody, type: 'Normal', reason: connected, cause: told?.contact ?? '', message }],
    };
  }
  // Silent for another reason is still the same silence.
  if (told && told.contact !== connected) return { told: { ...told, contact }, happenings: [] };
  const why = doubtMessage || silenceText[silence];
  const message = `${why}; what runs there goes on, and is Unknown until it is heard again`;
  return { told: { contact, at: now }, happenings: [{ ...nobody, type: 'Warning', reason: silence, cause: '', message }] };
}

/** Not what a spoke says of a placement, but that it says nothing yet. */
const notYet: ReadonlySet<string> = new Set(['NothingWanted', 'NoReport']);

/**
 * Only ends of ways are told: Healthy, Degraded, Unknown; what is on its way (Progressing) or set aside (Suspended) is not. That nothing vouches for it is
 * an event of its cluster, once, and of none of its placements.
 */
export function placementNews(told: ToldPlacement | undefined, evidence: Evidence, now: number): News<ToldPlacement> {
  const { health, reason, vouched } = evidence;
  const same = { told, happenings: [] };
  if (!vouched || health === 'Progressing' || health === 'Suspended' || (health === 'Unknown' && notYet.has(reason))) return same;
  if (told?.health === health && (health === 'Healthy' || told.reason === reason)) return same;
  const next: ToldPlacement = { health, reason, at: now, drift: told?.drift ?? {} };
  const before = told?.health ? told : undefined;
  // Well from the beginning: its rollout has said so.
  if (health === 'Healthy' && !before) return { told: next, happenings: [] };
  return { told: next, happenings: [happeningOf(evidence, before, now)] };
}

function happeningOf({ health, reason, message }: Evidence, told: ToldPlacement | undefined, now: number): Happening {
  if (health === 'Healthy') {
    const was = told ? `${told.health} for ${humanAge(now - told.at)} (${told.reason})` : '';
    return { ...nobody, type: 'Normal', reason: health, cause: told?.reason ?? '', message: `healthy again; was ${was}` };
  }
  const before = told && told.health !== health ? `; was ${told.health} before` : '';
  const why = message === '' || message === reason ? reason : message.startsWith(`${reason}: `) ? message : `${reason}: ${message}`;
  return { ...nobody, type: 'Warning', reason: health, cause: reason, message: `${why}${before}` };
}
