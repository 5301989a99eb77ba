import type { HealthState } from '../../shared/kernel/mod.ts';
import type { KubeObject } from '../kube/mod.ts';

export interface Verdict {
  readonly health: HealthState;
  /** CamelCase: ours, or the word of the object's own condition. */
  readonly reason: string;
  readonly message: string;
}

/** undefined: this rule has nothing to say, the next one is asked. */
export type Rule = (object: KubeObject) => Verdict | undefined;

const messageMaxCharacters = 500;

export const verdict = (health: HealthState, reason: string, message: string): Verdict => ({
  health,
  reason,
  message: message.slice(0, messageMaxCharacters),
});

export interface ObjectCondition {
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration: unknown;
}

export const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const number = (value: unknown, otherwise = 0): number => (typeof value === 'number' ? value : otherwise);
export const list = (value: unknown): readonly Record<string, unknown>[] => (Array.isArray(value) ? value.map(record) : []);

export function conditionOf(object: KubeObject, type: string): ObjectCondition | undefined {
  const found = list(record(object['status'])['conditions']).find((condition) => condition['type'] === type);
  if (!found) return undefined;
  return {
    status: text(found['status']),
    reason: text(found['reason']),
    message: text(found['message']),
    observedGeneration: found['observedGeneration'],
  };
}
