import type { KubeObject } from '../kube/mod.ts';
import { conditionOf, list, number, record, text, verdict, type Rule } from './verdict.ts';

const specOf = (object: KubeObject): Record<string, unknown> => record(object['spec']);
const statusOf = (object: KubeObject): Record<string, unknown> => record(object['status']);
const progressing = (reason: string, message: string): ReturnType<Rule> => verdict('Progressing', reason, message);
const degraded = (reason: string, message: string): ReturnType<Rule> => verdict('Degraded', reason, message);

/** A controller writes observedGeneration with its first look; without it, an empty status is no news, and no news is not good news. */
const unseen = (object: KubeObject): boolean => statusOf(object)['observedGeneration'] === undefined;
const notSeen = progressing('NotObserved', 'its controller has not seen it yet');

const deployment: Rule = (object) => {
  const spec = specOf(object);
  const status = statusOf(object);
  const failed = conditionOf(object, 'Progressing');
  if (failed?.reason === 'ProgressDeadlineExceeded') return degraded(failed.reason, failed.message);
  const replicaFailure = conditionOf(object, 'ReplicaFailure');
  if (replicaFailure?.status === 'True') return degraded(replicaFailure.reason || 'ReplicaFailure', replicaFailure.message);
  if (unseen(object)) return notSeen;
  const wanted = number(spec['replicas'], 1);
  const updated = number(status['updatedReplicas']);
  const available = number(status['availableReplicas']);
  const all = number(status['replicas']);
  if (spec['paused'] === true && updated < wanted) return verdict('Suspended', 'Paused', 'its rollout is paused');
  if (updated < wanted) return progressing('RollingOut', `${updated} of ${wanted} replicas are updated`);
  if (all > updated) return progressing('RollingOut', `${all - updated} old replicas are still there`);
  const why = conditionOf(object, 'Available');
  if (available < wanted)
    return progressing(
      (why?.status === 'False' && why.reason) || 'NotAvailable',
      `${available} of ${wanted} replicas are available${why?.status === 'False' && why.message ? `: ${why.message}` : ''}`,
    );
  return undefined;
};

const statefulSet: Rule = (object) => {
  const spec = specOf(object);
  const status = statusOf(object);
  if (unseen(object)) return notSeen;
  const wanted = number(spec['replicas'], 1);
  const ready = number(status['readyReplicas']);
  if (ready < wanted) return progressing('NotReady', `${ready} of ${wanted} replicas are ready`);
  const strategy = record(spec['updateStrategy']);
  if (strategy['type'] === 'OnDelete') return undefined;
  const partition = number(record(strategy['rollingUpdate'])['partition']);
  const updated = number(status['updatedReplicas']);
  if (status['updateRevision'] !== status['currentRevision'] && updated < wanted - partition)
    return progressing('RollingOut', `${updated} of ${wanted - partition} replicas are updated`);
  return undefined;
};

const daemonSet: Rule = (object) => {
  const status = statusOf(object);
  if (unseen(object)) return notSeen;
  const wanted = number(status['desiredNumberScheduled']);
  const updated = number(status['updatedNumberScheduled']);
  const available = number(status['numberAvailable']);
  if (record(specOf(object)['updateStrategy'])['type'] !== 'OnDelete' && updated < wanted)
    return progressing('RollingOut', `${updated} of ${wanted} pods are updated`);
  return available < wanted ? progressing('NotAvailable', `${available} of ${wanted} pods are available`) : undefined;
};

const replicaSet: Rule = (object) => {
  const failure = conditionOf(object, 'ReplicaFailure');
  if (failure?.status === 'True') return degraded(failure.reason || 'ReplicaFailure', failure.message);
  if (unseen(object)) return notSeen;
  const wanted = number(specOf(object)['replicas'], 1);
  const available = number(statusOf(object)['availableReplicas']);
  return available < wanted ? progressing('NotAvailable', `${available} of ${wanted} replicas are available`) : undefined;
};

const job: Rule = (object) => {
  const failed = conditionOf(object, 'Failed') ?? conditionOf(object, 'FailureTarget');
  if (failed?.status === 'True') return degraded(failed.reason || 'Failed', failed.message);
  if (conditionOf(object, 'Complete')?.status === 'True' || conditionOf(object, 'SuccessCriteriaMet')?.status === 'True') return undefined;
  if (specOf(object)['suspend'] === true) return verdict('Suspended', 'Suspended', 'it is suspended');
  const { active, succeeded } = statusOf(object);
  return progressing(
    'Running',
    `${number(active)} pods are running, ${number(succeeded)} of ${number(specOf(object)['completions'], 1)} done`,
  );
};

const waitingReasons = [
  'CrashLoopBackOff',
  'ImagePullBackOff',
  'ErrImagePull',
  'InvalidImageName',
  'CreateContainerConfigError',
  'CreateContainerError',
];

/** Of a container that will not start by waiting alone. */
export function brokenContainer(pod: KubeObject): { reason: string; message: string } | undefined {
  const status = statusOf(pod);
  for (const container of [...list(status['initContainerStatuses']), ...list(status['containerStatuses'])]) {
    const waiting = record(record(container['state'])['waiting']);
    const reason = text(waiting['reason']);
    if (waitingReasons.includes(reason))
      return { reason, message: `container ${text(container['name'])}: ${text(waiting['message']) || reason}` };
  }
  return undefined;
}

const pod: Rule = (object) => {
  const status = statusOf(object);
  const phase = text(status['phase']);
  if (phase === 'Succeeded') return undefined;
  if (phase === 'Failed') return degraded(text(status['reason']) || 'Failed', text(status['message']) || 'it has failed');
  const broken = brokenContainer(object);
  if (broken) return degraded(broken.reason, broken.message);
  if (conditionOf(object, 'Ready')?.status === 'True') return undefined;
  const scheduled = conditionOf(object, 'PodScheduled');
  if (scheduled?.status === 'False') return progressing(scheduled.reason || 'NotScheduled', scheduled.message);
  return progressing('NotReady', phase === '' ? 'no kubelet has seen it yet' : `it is ${phase} and not ready`);
};

/** A claim that is bound only when a pod uses it (WaitForFirstConsumer) cannot be told apart from here; the pod waits for it as well. */
const claim: Rule = (object) => {
  const phase = text(statusOf(object)['phase']);
  if (phase === 'Bound') return undefined;
  return phase === 'Lost' ? degraded('Lost', 'its volume is gone') : progressing('NotBound', `it is ${phase || 'not bound yet'}`);
};

const volume: Rule = (object) => {
  const phase = text(statusOf(object)['phase']);
  return phase === 'Failed' ? degraded('Failed', text(statusOf(object)['message'])) : undefined;
};

const service: Rule = (object) => {
  if (specOf(object)['type'] !== 'LoadBalancer') return undefined;
  return list(record(statusOf(object)['loadBalancer'])['ingress']).length > 0
    ? undefined
    : progressing('NoAddress', 'its load balancer has no address yet');
};

const definition: Rule = (object) => {
  const names = conditionOf(object, 'NamesAccepted');
  if (names?.status === 'False') return degraded(names.reason || 'NamesNotAccepted', names.message);
  return conditionOf(object, 'Established')?.status === 'True' ? undefined : progressing('NotEstablished', 'it is not served yet');
};

const namespace: Rule = (object) => {
  const phase = text(statusOf(object)['phase']);
  return phase === 'Active' ? undefined : progressing(phase || 'NotActive', `it is ${phase || 'not active yet'}`);
};

const disruptionBudget: Rule = (object) => {
  if (unseen(object)) return notSeen;
  const allowed = conditionOf(object, 'DisruptionAllowed');
  return allowed?.reason === 'SyncFailed' ? degraded('SyncFailed', allowed.message) : undefined;
};

const apiService: Rule = (object) => {
  const available = conditionOf(object, 'Available');
  return available?.status === 'True'
    ? undefined
    : progressing(available?.reason || 'NotAvailable', available?.message || 'not available yet');
};

/** `Kind.group`. Adding a kind is adding a row here and its rows in the test. */
export const byKind: Readonly<Record<string, Rule>> = {
  'Deployment.apps': deployment,
  'StatefulSet.apps': statefulSet,
  'DaemonSet.apps': daemonSet,
  'ReplicaSet.apps': replicaSet,
  'ReplicationController.': replicaSet,
  'Job.batch': job,
  'Pod.': pod,
  'PersistentVolumeClaim.': claim,
  'PersistentVolume.': volume,
  'Service.': service,
  'Namespace.': namespace,
  'CustomResourceDefinition.apiextensions.k8s.io': definition,
  'PodDisruptionBudget.policy': disruptionBudget,
  'APIService.apiregistration.k8s.io': apiService,
};
