import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { explain } from '#shared/kernel/mod.ts';
import type { Discovery, KubeObject } from '#spoke/kube/mod.ts';
import { isClosedNamespace, objectsOf } from '#spoke/plan/mod.ts';
import { StartError } from './arguments.ts';
import type { Files } from './sample.ts';

const filesMax = 5_000;
const environments = ['dev', 'staging', 'prod'];

/** Someone's own YAML: every *.yaml, *.yml and *.json below the folder, with `dev`, `staging`, `prod` as the directories of environments if there are. */
export async function readManifests(dir: string): Promise<Files> {
  if (!(await stat(dir).catch(() => undefined))?.isDirectory())
    throw new StartError('NO_MANIFESTS', `--manifests ${dir}: there is no such folder`);
  const names = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = names.filter((one) => one.isFile() && /\.(ya?ml|json)$/i.test(one.name)).map((one) => join(one.parentPath, one.name));
  if (paths.length === 0) throw new StartError('NO_MANIFESTS', `--manifests ${dir}: no .yaml, .yml or .json file in it`);
  if (paths.length > filesMax) throw new StartError('NO_MANIFESTS', `--manifests ${dir}: ${paths.length} files, at most ${filesMax}`);
  const entries = await Promise.all(paths.toSorted().map(async (path) => [relative(dir, path), await readFile(path, 'utf8')] as const));
  return Object.fromEntries(entries);
}

/** What a tenant must be allowed for these files to be applied. */
export interface Needs {
  readonly namespaces: readonly string[];
  /** Of these the ones that the files use and do not bring: somebody has to make them first, as for kubectl. */
  readonly missing?: readonly string[];
  /** '*' and the cluster-scoped kinds by name. */
  readonly kinds: readonly string[];
  /** For the tenant's account, beyond its namespaces. */
  readonly clusterScoped: readonly { readonly group: string; readonly resource: string }[];
}

/** Reads the files as a spoke would. Throws StartError with every problem, by file and line. */
export function needsOf(files: Files, discovery: Discovery): Needs {
  const objects = variants(files).flatMap(parse);
  const custom = new Map(objects.flatMap(customKind));
  const namespaces = new Set<string>(['default']);
  const cluster = new Map<string, { group: string; resource: string }>();
  for (const object of objects) {
    const group = object.apiVersion.includes('/') ? (object.apiVersion.split('/')[0] ?? '') : '';
    const key = `${object.kind}.${group}`;
    const served = discovery.kinds.find((kind) => kind.group === group && kind.kind === object.kind) ?? custom.get(key);
    if (object.metadata.namespace) namespaces.add(object.metadata.namespace);
    if (served && !served.namespaced) cluster.set(group ? key : object.kind, { group, resource: served.resource });
    if (object.kind === 'Namespace') namespaces.add(object.metadata.name);
  }
  const brought = new Set(objects.filter(({ kind }) => kind === 'Namespace').map(({ metadata }) => metadata.name));
  const missing = [...namespaces].filter((name) => name !== 'default' && !isClosedNamespace(name) && !brought.has(name));
  return { namespaces: [...namespaces], missing, kinds: ['*', ...cluster.keys()], clusterScoped: [...cluster.values()] };
}

/** Each is applied by itself: the same object may be in several. What lies beside the folders of environments is then not shipped. */
function variants(files: Files): readonly Files[] {
  const entries = Object.entries(files);
  const own = environments.map((name) => entries.filter(([path]) => path.startsWith(`${name}/`))).filter((found) => found.length > 0);
  return own.length === 0 ? [files] : own.map((found) => Object.fromEntries(found));
}

function parse(files: Files): readonly KubeObject[] {
  try {
    return objectsOf(new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])));
  } catch (error) {
    throw new StartError('NO_MANIFESTS', `--manifests: ${explain(error)}`, { cause: error });
  }
}

interface Custom {
  readonly group?: string;
  readonly scope?: string;
  readonly names?: { readonly kind?: string; readonly plural?: string };
}

function customKind(object: KubeObject): [string, { namespaced: boolean; resource: string }][] {
  if (object.kind !== 'CustomResourceDefinition') return [];
  const { group = '', scope, names } = (object['spec'] ?? {}) as Custom;
  return [[`${names?.kind}.${group}`, { namespaced: scope !== 'Cluster', resource: names?.plural ?? '' }]];
}
