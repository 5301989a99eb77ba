import { isTest, moduleOf, packageOf, topOf, type Ask } from './imports.ts';

export interface Law {
  readonly why: string;
  readonly broken: (ask: Ask) => boolean;
}

/** Which top-level folders a file of each may ask for. Tests may ask for the means to test with as well. */
const directions: Readonly<Record<string, readonly string[]>> = {
  proto: ['proto', 'shared/kernel'],
  shared: ['proto', 'shared'],
  hub: ['proto', 'shared', 'hub'],
  spoke: ['proto', 'shared', 'spoke'],
  deploy: ['proto', 'shared', 'hub', 'spoke', 'deploy', 'test/kube'],
  test: ['proto', 'shared', 'hub', 'spoke', 'deploy', 'test'],
};
const forTests = ['deploy/local', 'test'];

const [memoryKube, apiServer] = ['spoke/kube/memory', 'shared/kubernetes'] as const;

const under = (path: string, folder: string): boolean => path.startsWith(`${folder}/`);

/** Where each external package enters; a second way in is a second thing to replace, and a second set of habits. */
export const entrances: Readonly<Record<string, readonly string[]>> = {
  '@bufbuild/protobuf': ['proto'],
  '@grpc/grpc-js': ['shared/rpc', 'proto/gen'],
  '@kubernetes/client-node': ['spoke/kube'],
  '@nats-io/jetstream': ['shared/bus'],
  '@nats-io/transport-node': ['shared/bus'],
  '@opentelemetry/api': ['shared/telemetry'],
  '@opentelemetry/context-async-hooks': ['shared/telemetry'],
  '@opentelemetry/exporter-trace-otlp-http': ['shared/telemetry'],
  '@opentelemetry/resources': ['shared/telemetry'],
  '@opentelemetry/sdk-trace': ['shared/telemetry'],
  '@peculiar/x509': ['shared/signing'],
  commander: ['hub/cli'],
  fastify: ['hub/api'],
  fflate: ['shared/artifact'],
  'isomorphic-git': ['hub/sources'],
  kysely: ['hub/store'],
  'modern-tar': ['shared/artifact'],
  'node:sqlite': ['hub/store'],
  pino: ['shared/telemetry'],
  'reflect-metadata': ['shared/signing'],
  undici: ['spoke/kube'],
  // What people declare and what runs on clusters are read by other rules each; the command prints it and keeps its contexts in it.
  yaml: ['hub/resources', 'shared/manifests', 'hub/cli'],
  zod: ['hub/resources', 'hub/api'],
};

/** Not in the product, but in what makes it ready to be published. */
const buildPackages: Readonly<Record<string, readonly string[]>> = { esbuild: ['hub/cli'] };

const testPackages = ['@nats-io/kv', 'fast-check', 'node:test'];

export const importLaws: readonly Law[] = [
  {
    why: 'proto <- shared <- hub and shared <- spoke: hub and spoke meet in proto only, and nothing stands on what stands on it',
    broken: ({ from, to, ours }) => {
      const allowed = [...(directions[topOf(from)] ?? []), ...(isTest(from) ? forTests : [])];
      return ours && !allowed.some((folder) => under(to, folder));
    },
  },
  {
    why: 'another module is entered by its mod.ts: what it does not offer there it may change',
    broken: ({ from, to, ours }) =>
      ours && moduleOf(from) !== moduleOf(to) && !to.endsWith('/mod.ts') && !isProgram(from) && !(isTest(from) && isTest(to)),
  },
  {
    why: 'an external package enters in one place: see the table of entrances',
    broken: ({ from, to, ours }) => {
      if (ours || isTest(from) || testPackages.includes(packageOf(to))) return false;
      const places = entrances[packageOf(to)] ?? buildPackages[packageOf(to)];
      if (places) return !places.some((folder) => under(from, folder));
      return !to.startsWith('node:'); // unknown to the table: it has no entrance yet
    },
  },
  {
    why: 'the means of testing stay in tests',
    broken: ({ from, to, ours }) => !isTest(from) && (ours ? isTest(to) && !under(to, 'test/kube') : testPackages.includes(packageOf(to))),
  },
  {
    why: 'no hub and no spoke carries an API server with it: the one in memory is for tests and simulation, its rules for the sandbox too',
    broken: ({ from, to }) => {
      const isOneOfIt = under(from, memoryKube) || under(from, apiServer);
      const isProduct = ['hub', 'spoke', 'shared'].includes(topOf(from)) && !isTest(from) && !isOneOfIt;
      return isProduct && (under(to, memoryKube) || under(to, apiServer));
    },
  },
  {
    why: 'a pure file does no I/O: what decides can be simulated, and asked again',
    broken: ({ from, to, ours }) => isPure(from) && !ours && !pureParts.some((part) => part === to),
  },
];

/** Programs put modules together; they may reach for a part of one. */
const isProgram = (path: string): boolean => path.endsWith('/main.ts');

const pureNames = /\/(decide|judge|plan|health|prune|order|difference|rules)\.ts$/;
const pureFolders = ['shared/kernel', 'shared/manifests'];
// Of Node and of packages only what computes.
const pureParts = ['node:crypto', 'node:util', 'node:buffer', 'node:assert', 'node:assert/strict', 'yaml', 'fflate'];

export const isPure = (path: string): boolean =>
  !isTest(path) &&
  ['hub', 'spoke', 'shared'].includes(topOf(path)) &&
  (pureNames.test(path) || pureFolders.some((folder) => under(path, folder)));

/** Time and chance come from outside, see shared/clock; each match breaks the law. */
const ambient =
  /\b(?:Date\.now|performance\.now|Math\.random|process\.hrtime|setTimeout|setInterval|new Date)\s*\((?!\s*[^)\s])|\b(?:setTimeout|setInterval)\s*\(/g;

/** The lines of the product that read a clock, set a timer or draw from chance, apart from the one place that does it for all. */
export function ambientLines(path: string, source: string): readonly string[] {
  const outside = isTest(path) || !['hub', 'spoke', 'shared', 'proto'].includes(topOf(path));
  if (outside || under(path, 'shared/clock') || under(path, 'proto/gen')) return [];
  return source.split('\n').flatMap((line, index) => {
    const code = line.replace(/\/\/.*$|^\s*\*.*$/, '');
    const timers = /from 'node:timers(?:\/promises)?'/.test(code);
    return timers || [...code.matchAll(ambient)].length > 0 ? [`${path}:${index + 1}: ${line.trim()}`] : [];
  });
}
