import { definition, type Doc, type Rules } from '#shared/kubernetes/mod.ts';
import { disruptionBudget } from './budgets.ts';
import { deployment } from './deployments.ts';
import { form } from './forms.ts';
import { pod } from './pods.ts';
import { daemonSet, job, replicaSet, statefulSet } from './workloads.ts';

/** The controllers, scheduler and kubelets of a sandbox's cluster. `ca`: what every namespace is told to trust, as PEM. */
export const rulesOf = (ca: string): Rules => ({
  '/namespaces': ({ object: { metadata } }) => ({ create: form(['namespace'], { namespace: metadata.name, ca }) as readonly Doc[] }),
  '/pods': pod,
  'apiextensions.k8s.io/customresourcedefinitions': definition,
  'apps/deployments': deployment,
  'apps/replicasets': replicaSet,
  'apps/statefulsets': statefulSet,
  'apps/daemonsets': daemonSet,
  'batch/jobs': job,
  'policy/poddisruptionbudgets': disruptionBudget,
});
