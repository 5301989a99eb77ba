import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

type Files = Readonly<Record<string, string>>;

/** A public project, installed in one way. */
export interface Project {
  readonly name: string;
  readonly folder: string;
  readonly as: string;
  /** Of the paths below the folder, those that are installed. */
  readonly takes: RegExp;
  readonly change?: (text: string) => string;
  /** What is expected of both clusters. */
  readonly health: 'Healthy' | 'Refused';
}

const yaml = /(?<!kustomization)\.ya?ml$/;
const closed = 'kube-system is closed to tenants';

/** kube-system is closed: what wants to be there goes to a namespace of its own. */
const movedTo =
  (namespace: string) =>
  (text: string): string =>
    text.replaceAll(/\bnamespace: "?kube-system"?$/gm, `namespace: ${namespace}`);

const moved = (name: string): readonly Project[] => [
  { name: `${name}, as it is`, folder: name, takes: yaml, as: closed, health: 'Refused' },
  { name, folder: name, takes: yaml, as: 'in a namespace of its own', change: movedTo(`${name}-system`), health: 'Healthy' },
];

export const projects: readonly Project[] = [
  ...moved('calico'),
  ...moved('descheduler'),
  { name: 'external-dns', folder: 'external-dns', takes: yaml, as: 'as it is', health: 'Healthy' },
  { name: 'flannel', folder: 'flannel', takes: /^Documentation\/kube-flannel\.yml$/, as: 'as it is', health: 'Healthy' },
  ...moved('kube-state-metrics'),
  { name: 'longhorn', folder: 'longhorn', takes: yaml, as: 'as it is', health: 'Healthy' },
  { name: 'metallb', folder: 'metallb', takes: yaml, as: 'as it is', health: 'Healthy' },
  {
    name: 'node-feature-discovery',
    folder: 'node-feature-discovery',
    takes:
      /^deployment\/(base\/(nfd-crds\/nfd-api-crds|rbac\/.*(?<!kustomization)|master\/master-deployment|worker-daemonset\/worker-daemonset|gc\/gc.*)|overlays\/default\/namespace|nodefeaturerule\/samples\/.*)\.yaml$/,
    // What its kustomization would add.
    change: (text) => text.replaceAll(/\bnamespace: default$/gm, 'namespace: node-feature-discovery'),
    as: 'bases, rules and namespace, without kustomize',
    health: 'Healthy',
  },
  { name: 'prometheus-operator', folder: 'prometheus-operator', takes: yaml, as: 'as it is', health: 'Healthy' },
  { name: 'strimzi', folder: 'strimzi', takes: yaml, as: 'as it is', health: 'Healthy' },
  { name: 'tigera', folder: 'tigera', takes: yaml, as: 'as it is', health: 'Healthy' },
];

/** Where the manifests are, or undefined: data beside the clone, see README.md. */
export function manifestsFolder(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const dir = env['WHEELHOUSE_MANIFESTS'] ?? resolve(import.meta.dirname, '../../../../shared/manifests');
  return existsSync(dir) ? dir : undefined;
}

/** The files of an installation, by path. */
export function filesOf({ folder, takes, change = (text) => text }: Project, root: string): Files {
  const dir = join(root, folder);
  const paths = readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((one) => one.isFile())
    .map((one) => relative(dir, join(one.parentPath, one.name)))
    .filter((path) => takes.test(path));
  if (paths.length === 0) throw new Error(`${dir} has none of the files that ${folder} is made of`);
  return Object.fromEntries(paths.toSorted().map((path) => [path, change(readFileSync(join(dir, path), 'utf8'))]));
}
