import { groupOf, type KubeObject } from '../kube/mod.ts';
import { byKind } from './kinds.ts';
import { conditionOf, number, record, verdict, type Rule, type Verdict } from './verdict.ts';

const terminating: Rule = (object) =>
  object.metadata.deletionTimestamp === undefined ? undefined : verdict('Progressing', 'Terminating', 'is being deleted');

/** What a controller has not seen yet says nothing about the object as it is now. */
const unobserved: Rule = (object) => {
  const observed = record(object['status'])['observedGeneration'];
  const { generation } = object.metadata;
  return typeof observed === 'number' && generation !== undefined && observed < generation
    ? verdict('Progressing', 'NotObserved', `its controller has seen generation ${observed}, not yet ${generation}`)
    : undefined;
};

const stalled: Rule = (object) => {
  const found = conditionOf(object, 'Stalled');
  return found?.status === 'True' ? verdict('Degraded', found.reason || 'Stalled', found.message) : undefined;
};

const reconciling: Rule = (object) => {
  const found = conditionOf(object, 'Reconciling');
  return found?.status === 'True' ? verdict('Progressing', found.reason || 'Reconciling', found.message) : undefined;
};

/** What custom resources say of themselves by convention; kinds with a rule of their own are asked for that instead. */
const ready: Rule = (object) => {
  const found = conditionOf(object, 'Ready');
  if (!found || found.status === 'True') return undefined;
  const said = number(found.observedGeneration, object.metadata.generation ?? 0);
  return said < (object.metadata.generation ?? 0)
    ? verdict('Progressing', 'NotObserved', 'its Ready condition is about an older generation')
    : verdict('Progressing', found.reason || 'NotReady', found.message || `Ready is ${found.status}`);
};

const general: readonly Rule[] = [terminating, unobserved, stalled, reconciling];

/**
 * How one object is, from what it says of itself: rules that hold for every kind, then the kind's own, then the Ready condition; an object whose kind
 * nobody knows is healthy by being there. Pure; how long it has been so is judged elsewhere.
 */
export function healthOf(object: KubeObject): Verdict {
  const own = byKind[`${object.kind}.${groupOf(object.apiVersion)}`];
  for (const rule of own ? [...general, own] : [...general, ready]) {
    const found = rule(object);
    if (found) return found;
  }
  return verdict('Healthy', 'Healthy', '');
}
