import { type KubeObject } from '../kube/mod.ts';
import { healthOf } from './rules.ts';
import { list, record, text } from './verdict.ts';

// Why a workload is not ready is said by its pods alone. Pure.

/** The label selector of a workload's pods; undefined: it has none, or one that cannot be read. */
export function podSelectorOf(workload: KubeObject): string | undefined {
  const selector = record(record(workload['spec'])['selector']);
  const labels = Object.entries(record(selector['matchLabels'])).map(([key, value]) => `${key}=${text(value)}`);
  const rules = list(selector['matchExpressions']).map(ruleText);
  const parts = [...labels, ...rules];
  return parts.length === 0 || parts.includes(undefined) ? undefined : parts.join(',');
}

function ruleText({ key, operator, values }: Record<string, unknown>): string | undefined {
  const of = Array.isArray(values) ? values.map(text).join(',') : '';
  const forms: Readonly<Record<string, string>> = {
    In: `${text(key)} in (${of})`,
    NotIn: `${text(key)} notin (${of})`,
    Exists: text(key),
    DoesNotExist: `!${text(key)}`,
  };
  return forms[text(operator)];
}

export interface PodTrouble {
  readonly reason: string;
  readonly text: string;
  /** It will not get over it by waiting alone. */
  readonly broken: boolean;
}

/** What the worst of the pods says of itself; undefined: none of them is in trouble. */
export function podTroubleOf(pods: readonly KubeObject[]): PodTrouble | undefined {
  const found = pods.map((pod) => ({ pod, ...healthOf(pod) }));
  const worst = found.find(({ health }) => health === 'Degraded') ?? found.find(({ health }) => health === 'Progressing');
  if (!worst) return undefined;
  const { pod, reason, message, health } = worst;
  return { reason, text: `pod ${pod.metadata.name}: ${reason}: ${message}`, broken: health === 'Degraded' };
}
