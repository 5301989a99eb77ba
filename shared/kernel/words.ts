export const apiVersion = 'wheelhouse.dev/v1alpha1';

/** Labels and annotations on what Wheelhouse applies. Nothing of them changes with a release, so unchanged objects are not written. */
export const labels = {
  fleet: 'wheelhouse.dev/fleet',
  assignment: 'wheelhouse.dev/assignment',
  /** Annotation `group/kind/namespace/name` that names the object itself: a copy of labels and annotations names another. */
  object: 'wheelhouse.dev/object',
} as const;

/** What a person reads. Unknown is never shown as healthy. */
export type HealthState = 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended' | 'Unknown';

/** HEALTH_HEALTHY -> Healthy; what is not known is Unknown. */
export function bareHealth(health: string): HealthState {
  const bare = health.replace(/^HEALTH_/, '').toLowerCase();
  for (const state of ['Healthy', 'Progressing', 'Degraded', 'Suspended'] as const) if (state.toLowerCase() === bare) return state;
  return 'Unknown';
}
