import { z } from 'zod';
import { canonicalJson, durationMs, isName, type Json } from '#shared/kernel/mod.ts';
import { parseRange } from './ranges.ts';
import { gitUrlFault, isLoopback, sourcePatternFault } from './urls.ts';
import { folderOf, isClosedNamespace, isCommit, isKindPattern, isLabelKey, isLabelValue, isParameterName, isRefName } from './words.ts';

// The fields of what people write, with defaults filled in. Every object is strict: a field that nobody knows is a mistake, not a wish for later.

/** The known fields travel as the message of an unknown one: the hint is made of them. */
const strict = <S extends z.core.$ZodLooseShape>(shape: S) =>
  z.strictObject(shape, { error: (issue) => (issue.code === 'unrecognized_keys' ? Object.keys(shape).join(' ') : undefined) });

const text = (holds: (value: string) => boolean, message: string) =>
  z.string().refine((value) => value.length <= 4096 && holds(value), message);

/** A refinement whose fault is a sentence about the value, undefined when there is none. */
const faultless = (faultOf: (value: string) => string | undefined) =>
  z.string().superRefine((value, context) => {
    const fault = faultOf(value);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  });

const name = text(isName, 'is not a name: lower-case letters, digits and "-", at most 63, beginning and ending with a letter or digit');

const namespace = name.superRefine((value, context) => {
  if (isClosedNamespace(value))
    context.addIssue({
      code: 'custom',
      message: `is ${value}, a namespace that is closed to tenants`,
      params: { code: 'NAMESPACE_CLOSED', next: 'name another namespace' },
    });
});

const labelKey = text(isLabelKey, 'is not a label key: [prefix.example.com/]name');
const labelValue = text(isLabelValue, 'is not a label value: at most 63 letters, digits, "-", "_", "."');
const labels = z.record(labelKey, labelValue).refine((value) => Object.keys(value).length <= 64, 'has more than 64 labels');

/** With those of environment, cluster and target together, and the tenant's boundaries, inputs stay below their 8 KiB. */
const parametersMaxBytes = 1536;
const boundariesMaxBytes = 3072;
const parameters = z
  .record(text(isParameterName, 'is not a parameter name: letters, digits, "_", "-", ".", at most 63'), z.string())
  .refine((value) => bytesOf(value) <= parametersMaxBytes, `has more than ${parametersMaxBytes} bytes`);

function bytesOf(value: Json): number {
  try {
    return Buffer.byteLength(canonicalJson(value));
  } catch {
    return Infinity;
  }
}

const listOf = <T extends z.ZodType>(item: T, itemsMax: number) => z.array(item).max(itemsMax, `has more than ${itemsMax} entries`);

export const tenantSpec = strict({
  sources: listOf(faultless(sourcePatternFault), 64),
  namespaces: listOf(namespace, 64),
  kinds: listOf(text(isKindPattern, 'is not a kind: "*" (all namespaced ones), "Kind" or "Kind.group"'), 128),
  serviceAccount: name,
}).refine(
  ({ namespaces, kinds }) => bytesOf({ namespaces, kinds }) <= boundariesMaxBytes,
  `has namespaces and kinds of more than ${boundariesMaxBytes} bytes`,
);

const requirement = strict({
  key: labelKey,
  operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
  values: listOf(labelValue, 64).default([]),
}).superRefine(({ operator, values }, context) => {
  const wanted = operator === 'In' || operator === 'NotIn';
  if (wanted && values.length === 0)
    context.addIssue({ code: 'custom', message: `is empty: ${operator} compares with values`, path: ['values'] });
  if (!wanted && values.length > 0) context.addIssue({ code: 'custom', message: `is not empty: ${operator} takes none`, path: ['values'] });
});

const secondMs = 1000;
const dayMs = 86_400 * secondMs;

export const environmentSpec = strict({
  clusterSelector: strict({ matchLabels: labels.default({}), matchExpressions: listOf(requirement, 32).default([]) }),
  after: listOf(name, 32).default([]),
  promotion: strict({ mode: z.enum(['Automatic', 'Manual']), allowUnexercised: z.boolean().default(false) }),
  rollout: strict({
    maxConcurrent: z.int().min(1).max(100_000).default(1),
    healthTimeout: text((value) => {
      const ms = durationMs(value);
      return ms !== undefined && ms >= secondMs && ms <= dayMs;
    }, 'is not a duration from 1s to 24h, like 90s, 5m or 1h30m').default('5m'),
  }).prefault({}),
  parameters: parameters.default({}),
});

const credentials = strict({ name });
const folder = text((value) => folderOf(value) !== undefined, 'is not a folder: relative, without ".."').transform(
  (value) => folderOf(value) ?? '',
);

const notYet = (what: string) => ({
  code: 'custom' as const,
  message: `${what} is not supported yet`,
  params: { code: 'NOT_SUPPORTED', next: 'leave it out for now' },
});

const exactlyOne = (value: Readonly<Record<string, unknown>>, context: z.RefinementCtx, names: string): void => {
  const given = Object.keys(value).filter((key) => value[key] !== undefined);
  if (given.length !== 1)
    context.addIssue({
      code: 'custom',
      message: `has ${given.length === 0 ? 'none' : given.join(' and ')} of ${names}: exactly one is needed`,
    });
};

export type GitRef = { readonly branch: string } | { readonly tag: string } | { readonly semver: string } | { readonly commit: string };

const ref = strict({
  branch: text(isRefName, 'is not the name of a branch').optional(),
  tag: text(isRefName, 'is not the name of a tag').optional(),
  semver: text((value) => parseRange(value) !== undefined, 'is not a version range, like ^1.2, ~1.2.3 or >=1.2 <2').optional(),
  commit: text(isCommit, 'is not a commit: 40 lower-case hex digits').optional(),
})
  .superRefine((value, context) => exactlyOne(value, context, 'branch, tag, semver, commit'))
  .transform((value) => value as GitRef);

const git = strict({
  url: faultless(gitUrlFault),
  ref,
  path: folder.default(''),
  credentials: credentials.optional(),
  insecure: z.boolean().default(false),
}).superRefine(({ url, insecure }, context) => {
  const parsed = URL.parse(url);
  if (parsed?.protocol === 'http:' && !insecure && !isLoopback(parsed))
    context.addIssue({
      code: 'custom',
      path: ['url'],
      message: 'is plain HTTP, which anybody on the way can change',
      params: { next: 'use https://, or say insecure: true beside it' },
    });
});

export type GitSource = z.output<typeof git>;

const oci = strict({
  registry: strict({ address: z.string().max(255), insecure: z.boolean().optional(), credentials: credentials.optional() }),
  repository: z.string().max(255),
  ref: strict({ tag: z.string().optional(), semver: z.string().optional(), digest: z.string().optional() }),
});

const source = strict({ git: git.optional(), oci: oci.optional() })
  .superRefine((value, context) => {
    if (value.oci) context.addIssue({ ...notYet('a source of OCI artifacts'), path: ['oci'] });
    else exactlyOne(value, context, 'git, oci');
  })
  .transform((value) => ({ git: value.git as GitSource }));

const target = strict({ environment: name, namespace, path: folder.optional(), parameters: parameters.default({}) });

export const appSpec = strict({
  source,
  targets: listOf(target, 32).min(1, 'is empty: name at least one environment'),
  replaces: name.optional(),
}).superRefine(({ targets, replaces }, context) => {
  if (replaces !== undefined) context.addIssue({ ...notYet('replacing another app'), path: ['replaces'] });
  const seen = new Set<string>();
  for (const [i, { environment }] of targets.entries()) {
    if (seen.has(environment))
      context.addIssue({ code: 'custom', path: ['targets', i, 'environment'], message: `is ${environment}, which is a target already` });
    seen.add(environment);
  }
});

export const clusterSpec = strict({ labels: labels.default({}), parameters: parameters.default({}) });

export type TenantSpec = z.output<typeof tenantSpec>;
export type EnvironmentSpec = z.output<typeof environmentSpec>;
export type AppSpec = z.output<typeof appSpec>;
export type TargetSpec = AppSpec['targets'][number];
export type ClusterSpec = z.output<typeof clusterSpec>;

export const ownMetadata = strict({ name });
export const tenantMetadata = strict({ tenant: name, name });
