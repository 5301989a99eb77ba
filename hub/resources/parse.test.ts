import assert from 'node:assert/strict';
import test from 'node:test';
import { parseResources, problemText, resourceLimits, subjectOf, type Resource } from './mod.ts';

const top = 'apiVersion: wheelhouse.dev/v1alpha1\nkind: ';
const tenant = (spec: string): string => `${top}Tenant\nmetadata: {name: acme}\nspec: ${spec}\n`;
const environment = (spec: string): string => `${top}Environment\nmetadata: {tenant: acme, name: dev}\nspec: ${spec}\n`;
const app = (spec: string): string => `${top}App\nmetadata: {tenant: acme, name: web}\nspec: ${spec}\n`;
const cluster = (spec: string): string => `${top}Cluster\nmetadata: {name: c1}\nspec: ${spec}\n`;
const git = (rest: string): string => app(`{source: {git: {${rest}}}, targets: [{environment: dev, namespace: shop}]}`);
const url = 'url: https://git.example.com/acme/web';

const only = (text: string): Resource => {
  const { resources, problems } = parseResources([{ file: 'a.yaml', text }]);
  assert.deepEqual(problems.map(problemText), []);
  assert.equal(resources.length, 1);
  return resources[0] as Resource;
};

// What is written -> the spec that is meant, defaults filled in.
const goods: readonly (readonly [string, string, unknown])[] = [
  [
    'a tenant',
    tenant(
      `{sources: ['https://git.example.com/acme/**'], namespaces: [shop], kinds: ['*', Namespace, Role.rbac.authorization.k8s.io], serviceAccount: acme}`,
    ),
    {
      sources: ['https://git.example.com/acme/**'],
      namespaces: ['shop'],
      kinds: ['*', 'Namespace', 'Role.rbac.authorization.k8s.io'],
      serviceAccount: 'acme',
    },
  ],
  [
    'an environment at its shortest',
    environment('{clusterSelector: {}, promotion: {mode: Manual}}'),
    {
      clusterSelector: { matchLabels: {}, matchExpressions: [] },
      after: [],
      promotion: { mode: 'Manual', allowUnexercised: false },
      rollout: { maxConcurrent: 1, healthTimeout: '5m' },
      parameters: {},
    },
  ],
  [
    'an environment with everything',
    environment(
      `{clusterSelector: {matchLabels: {env: dev}, matchExpressions: [{key: region, operator: In, values: [eu]}, {key: old, operator: DoesNotExist}]}, after: [test],
        promotion: {mode: Automatic, allowUnexercised: true}, rollout: {maxConcurrent: 3, healthTimeout: 1h30m}, parameters: {replicas: '3'}}`,
    ),
    {
      clusterSelector: {
        matchLabels: { env: 'dev' },
        matchExpressions: [
          { key: 'region', operator: 'In', values: ['eu'] },
          { key: 'old', operator: 'DoesNotExist', values: [] },
        ],
      },
      after: ['test'],
      promotion: { mode: 'Automatic', allowUnexercised: true },
      rollout: { maxConcurrent: 3, healthTimeout: '1h30m' },
      parameters: { replicas: '3' },
    },
  ],
  [
    'an app',
    app(
      `{source: {git: {${url}, ref: {semver: ^1.2}, path: ./deploy/web/, credentials: {name: robot}}}, targets: [{environment: dev, namespace: shop, path: dev, parameters: {a: b}}]}`,
    ),
    {
      source: {
        git: {
          url: 'https://git.example.com/acme/web',
          ref: { semver: '^1.2' },
          path: 'deploy/web',
          credentials: { name: 'robot' },
          insecure: false,
        },
      },
      targets: [{ environment: 'dev', namespace: 'shop', path: 'dev', parameters: { a: 'b' } }],
    },
  ],
  [
    'plain HTTP on loopback',
    git('url: http://127.0.0.1:8080/web.git, ref: {branch: main}'),
    {
      source: { git: { url: 'http://127.0.0.1:8080/web.git', ref: { branch: 'main' }, path: '', insecure: false } },
      targets: [{ environment: 'dev', namespace: 'shop', parameters: {} }],
    },
  ],
  [
    'a cluster',
    cluster('{labels: {env: dev, example.com/tier: "1"}}'),
    { labels: { env: 'dev', 'example.com/tier': '1' }, parameters: {} },
  ],
  ['a cluster without anything', cluster('{}'), { labels: {}, parameters: {} }],
  ['a word that YAML 1.1 would take for a boolean', cluster('{labels: {gpu: yes}}'), { labels: { gpu: 'yes' }, parameters: {} }],
];
for (const [what, text, spec] of goods) test(`read: ${what}`, () => assert.deepEqual({ ...only(text).spec }, spec));

// What is written -> each problem as line:column field code.
const bads: readonly (readonly [string, string, readonly string[]])[] = [
  ['no YAML', 'a: [b', ['1:6  NOT_YAML']],
  ['a key twice', 'a: 1\na: 2\n', ['2:1  NOT_YAML']],
  ['a tag that nobody knows', cluster('{labels: {a: !secret b}}'), ['4:20  NOT_YAML']],
  ['a name that JavaScript would lose', cluster('{labels: {a: b, __proto__: c}}'), ['4:23  NOT_YAML']],
  ['a list', '- a\n', ['1:1  WRONG_TYPE']],
  ['nothing that it should have', '{a: 1}\n', ['1:1 apiVersion MISSING_FIELD', '1:1 kind MISSING_FIELD']],
  [
    'another version',
    `apiVersion: wheelhouse.dev/v2\nkind: Cluster\nmetadata: {name: c1}\nspec: {}\n`,
    ['1:13 apiVersion UNKNOWN_VERSION'],
  ],
  ['another kind', `${top}Clutser\n`, ['2:7 kind UNKNOWN_KIND']],
  ['a field beside spec', `${cluster('{}')}status: {}\n`, ['5:1 status UNKNOWN_FIELD']],
  ['no spec', `${top}Cluster\nmetadata: {name: c1}\n`, ['1:1 spec MISSING_FIELD']],
  ['a bad name', `${top}Cluster\nmetadata: {name: C_1}\nspec: {}\n`, ['3:18 metadata.name BAD_VALUE']],
  ['a cluster of a tenant', `${top}Cluster\nmetadata: {tenant: acme, name: c1}\nspec: {}\n`, ['3:12 metadata.tenant UNKNOWN_FIELD']],
  [
    'an app of nobody',
    `${top}App\nmetadata: {name: web}\nspec: {source: {}, targets: []}\n`,
    ['3:11 metadata.tenant MISSING_FIELD', '4:16 spec.source BAD_VALUE', '4:29 spec.targets BAD_VALUE'],
  ],
  ['a misspelt field', cluster('{labells: {}}'), ['4:8 spec.labells UNKNOWN_FIELD']],
  [
    'a closed namespace',
    tenant(`{sources: [], namespaces: [kube-system, wheelhouse-x], kinds: [], serviceAccount: acme}`),
    ['4:34 spec.namespaces[0] NAMESPACE_CLOSED', '4:47 spec.namespaces[1] NAMESPACE_CLOSED'],
  ],
  [
    'a target in a closed namespace',
    app(`{source: {git: {${url}, ref: {branch: main}}}, targets: [{environment: dev, namespace: kube-public}]}`),
    ['4:125 spec.targets[0].namespace NAMESPACE_CLOSED'],
  ],
  [
    'patterns that reach any host',
    tenant(`{sources: ['*', 'https://**', 'git@host:x'], namespaces: [], kinds: [], serviceAccount: acme}`),
    ['4:18 spec.sources[0] BAD_VALUE', '4:23 spec.sources[1] BAD_VALUE', '4:37 spec.sources[2] BAD_VALUE'],
  ],
  ['a kind in lower case', tenant(`{sources: [], namespaces: [], kinds: [pods], serviceAccount: acme}`), ['4:45 spec.kinds[0] BAD_VALUE']],
  ['an unknown mode', environment('{clusterSelector: {}, promotion: {mode: automatic}}'), ['4:47 spec.promotion.mode BAD_VALUE']],
  [
    'nothing at once',
    environment('{clusterSelector: {}, promotion: {mode: Manual}, rollout: {maxConcurrent: 0}}'),
    ['4:81 spec.rollout.maxConcurrent BAD_VALUE'],
  ],
  [
    'a duration without a unit',
    environment(`{clusterSelector: {}, promotion: {mode: Manual}, rollout: {healthTimeout: '5'}}`),
    ['4:81 spec.rollout.healthTimeout BAD_VALUE'],
  ],
  [
    'a duration that is too short',
    environment(`{clusterSelector: {}, promotion: {mode: Manual}, rollout: {healthTimeout: 500ms}}`),
    ['4:81 spec.rollout.healthTimeout BAD_VALUE'],
  ],
  [
    'a duration that is too long',
    environment(`{clusterSelector: {}, promotion: {mode: Manual}, rollout: {healthTimeout: 1d1s}}`),
    ['4:81 spec.rollout.healthTimeout BAD_VALUE'],
  ],
  [
    'a number for a text',
    environment('{clusterSelector: {}, promotion: {mode: Manual}, parameters: {replicas: 3}}'),
    ['4:79 spec.parameters.replicas WRONG_TYPE'],
  ],
  ['a parameter with a space', cluster('{parameters: {a b: c}}'), ['4:21 spec.parameters.a b BAD_VALUE']],
  ['parameters beyond their bound', cluster(`{parameters: {a: ${'x'.repeat(1600)}}}`), ['4:20 spec.parameters BAD_VALUE']],
  [
    'In without values',
    environment('{clusterSelector: {matchExpressions: [{key: a, operator: In}]}, promotion: {mode: Manual}}'),
    ['4:45 spec.clusterSelector.matchExpressions[0].values BAD_VALUE'],
  ],
  ['two refs', git(`${url}, ref: {branch: a, tag: b}`), ['4:67 spec.source.git.ref BAD_VALUE']],
  ['no ref', git(`${url}, ref: {}`), ['4:67 spec.source.git.ref BAD_VALUE']],
  ['a commit cut short', git(`${url}, ref: {commit: abc1234}`), ['4:76 spec.source.git.ref.commit BAD_VALUE']],
  ['a branch with ..', git(`${url}, ref: {branch: a..b}`), ['4:76 spec.source.git.ref.branch BAD_VALUE']],
  ['a range of words', git(`${url}, ref: {semver: newest}`), ['4:76 spec.source.git.ref.semver BAD_VALUE']],
  ['a path upwards', git(`${url}, ref: {branch: a}, path: ../b`), ['4:86 spec.source.git.path BAD_VALUE']],
  ['an absolute path', git(`${url}, ref: {branch: a}, path: /`), ['4:86 spec.source.git.path BAD_VALUE']],
  ['plain HTTP over a network', git('url: http://git.example.com/a, ref: {branch: a}'), ['4:28 spec.source.git.url BAD_VALUE']],
  ['SSH', git(`url: 'git@git.example.com:a', ref: {branch: a}`), ['4:28 spec.source.git.url BAD_VALUE']],
  [
    'an artifact as source',
    app(
      '{source: {oci: {registry: {address: r.example.com}, repository: a, ref: {tag: a}}}, targets: [{environment: dev, namespace: shop}]}',
    ),
    ['4:22 spec.source.oci NOT_SUPPORTED'],
  ],
  [
    'replacing',
    app(`{source: {git: {${url}, ref: {branch: a}}}, targets: [{environment: dev, namespace: shop}], replaces: old}`),
    ['4:140 spec.replaces NOT_SUPPORTED'],
  ],
  [
    'a target twice',
    app(`{source: {git: {${url}, ref: {branch: a}}}, targets: [{environment: dev, namespace: a}, {environment: dev, namespace: b}]}`),
    ['4:140 spec.targets[1].environment BAD_VALUE'],
  ],
  ['the same thing twice', `${cluster('{}')}---\n${cluster('{}')}`, ['8:18 metadata.name DUPLICATE_RESOURCE']],
];
for (const [what, text, expected] of bads)
  test(`refused: ${what}`, () => {
    const { problems } = parseResources([{ file: 'a.yaml', text }]);
    assert.deepEqual(
      problems.map(({ line, column, field, code }) => `${line}:${column} ${field} ${code}`),
      expected,
    );
    for (const problem of problems) assert.ok(problem.file === 'a.yaml' && problem.message !== '' && problem.next !== '');
  });

test('a problem reads as one line: where, what, what to do', () => {
  const { problems } = parseResources([{ file: 'fleet/c.yaml', text: cluster('{labells: {}}') }]);
  assert.deepEqual(problems.map(problemText), [
    'fleet/c.yaml:4:8: spec.labells is not a field that is known here: did you mean labels? (UNKNOWN_FIELD)',
  ]);
});

test('a secret in an address is never repeated', () => {
  const { problems } = parseResources([{ file: 'a.yaml', text: git(`url: 'https://robot:hunter2@git.example.com/a', ref: {branch: a}`) }]);
  assert.equal(problems.length, 1);
  assert.doesNotMatch(problems.map(problemText).join(), /hunter2/);
});

test('what is right beside what is wrong is read, and what is wrong is remembered by name', () => {
  const { resources, problems, broken } = parseResources([
    { file: 'a.yaml', text: `# only a comment\n---\n${cluster('{}')}---\n${environment('{}')}` },
    { file: 'b.yaml', text: tenant('{sources: [], namespaces: [], kinds: [], serviceAccount: acme}') },
  ]);
  assert.deepEqual(resources.map(subjectOf), ['Cluster/c1', 'Tenant/acme']);
  assert.deepEqual([...broken], ['Environment/acme/dev']);
  assert.equal(problems.length, 2);
});

test('files and documents are bounded', () => {
  const large = parseResources([{ file: 'a.yaml', text: `#${'x'.repeat(resourceLimits.fileMaxBytes)}` }]);
  assert.deepEqual(
    large.problems.map(({ code }) => code),
    ['FILE_TOO_LARGE'],
  );
  const one = (i: number): string => cluster('{}').replace('c1', `c${i}`);
  const many = Array.from({ length: resourceLimits.documentsMax + 2 }, (_, i) => one(i)).join('---\n');
  const { resources, problems } = parseResources([{ file: 'a.yaml', text: many }]);
  assert.equal(resources.length, resourceLimits.documentsMax);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ['DOCUMENTS_TOO_MANY'],
  );
});

test('brackets without end are refused in a few words', () => {
  const { problems } = parseResources([{ file: 'a.yaml', text: '['.repeat(100_000) }]);
  assert.ok(problems.length > 0 && problems.length <= 10);
  assert.ok(problems.every(({ code }) => code === 'NOT_YAML'));
});

test('a billion laughs are refused', () => {
  const laughs = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefgh'.split('').map((key, i) => `${key}: &${key} [${Array(9).fill(`*${'abcdefgh'[i]}`).join()}]`),
  ];
  assert.deepEqual(
    parseResources([{ file: 'a.yaml', text: laughs.join('\n') }]).problems.map(({ code }) => code),
    ['NOT_YAML'],
  );
});
