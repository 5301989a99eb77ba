import { at, docAt, isTrue, labelSelector, listAt, type Seen, type Stored, textAt, type Wish } from '#shared/kubernetes/mod.ts';
import { conditionNamed, reported } from './forms.ts';

/** The selector of an object in the words of a query. */
const wordsOf = (selector: unknown): string =>
  [
    ...Object.entries(docAt(selector, 'matchLabels')).map((pair) => pair.join('=')),
    ...listAt(selector, 'matchExpressions').map((one) => {
      const [key, operator] = [textAt(one, 'key'), textAt(one, 'operator')];
      if (operator === 'Exists' || operator === 'DoesNotExist') return `${operator === 'Exists' ? '' : '!'}${key}`;
      return `${key} ${operator.toLowerCase()} (${listAt(one, 'values').join()})`;
    }),
  ].join();

/** A number of pods, or a share of them in percent, rounded up. */
const share = (value: unknown, of: number): number =>
  typeof value === 'string' ? Math.ceil((Number.parseInt(value, 10) * of) / 100) : Number(value);

/** A PodDisruptionBudget counts its pods and says how many may be lost. */
export function disruptionBudget({ object, all, now }: Seen): Wish {
  const { selector, minAvailable, maxUnavailable } = docAt(object, 'spec');
  const selects = labelSelector(wordsOf(selector));
  const isMine = (table: string, one: Stored): boolean =>
    table === '/pods' && one.metadata.namespace === object.metadata.namespace && selector !== undefined && selects(one);
  const pods = all.flatMap(([table, one]) => (isMine(table, one) && at(one, 'metadata', 'deletionTimestamp') === undefined ? [one] : []));
  const expected = pods.length;
  const desired = minAvailable === undefined ? Math.max(0, expected - share(maxUnavailable ?? 1, expected)) : share(minAvailable, expected);
  const healthy = pods.filter((pod) => isTrue(pod, 'Ready')).length;
  const allowed = expected === 0 ? 0 : Math.max(0, healthy - desired);
  const conditions = [
    conditionNamed(object, allowed > 0 ? 'SufficientPods' : 'InsufficientPods', now, { generation: object.metadata.generation }),
  ];
  return { put: [reported(object, { conditions, healthy, desired, allowed, expected })] };
}
