import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Stored } from '../values.ts';
import { definitionCauses } from './definitions.ts';

// The words are held to the real one by the recorded cases kinds/refused-definition*.

const version = (name: string, more: object = {}): object => ({
  name,
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object' } },
  ...more,
});
const definition = (spec: object = {}, name = 'gadgets.example.com'): Stored =>
  ({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name, uid: '' },
    spec: { group: 'example.com', scope: 'Namespaced', names: { plural: 'gadgets', kind: 'Gadget' }, versions: [version('v1')], ...spec },
  }) as unknown as Stored;
const typed = (type: unknown): object => version('v1', { schema: { openAPIV3Schema: { properties: { spec: { items: { type } } } } } });
const said = (next: Stored, live?: Stored): readonly string[] =>
  definitionCauses(live, next).map(({ field, message }) => `${field}: ${message}`);

const shape = 'lowercase|DNS-1035';
const many = 'spec.versions: .*exactly one version';
const rows: readonly (readonly [name: string, next: Stored, causes: readonly string[]])[] = [
  ['nothing', definition(), []],
  ['nothing of several versions', definition({ versions: [version('v1', { storage: false }), version('v2beta1')] }), []],
  ['nothing that says no type', definition({ versions: [version('v1', { schema: { openAPIV3Schema: {} } })] }), []],
  ['the name of another plural', definition({}, 'widgets.example.com'), ['metadata.name: .*spec\\.names\\.plural']],
  ['the name of another group', definition({}, 'gadgets.example.org'), ['metadata.name: .*spec\\.names\\.plural']],
  ['a scope that is none', definition({ scope: 'X' }), ['spec.scope: Unsupported value: "X": supported values: "Cluster", "Namespaced"']],
  ['a group without a dot', definition({ group: 'example' }, 'gadgets.example'), ['spec.group: .*at least one dot']],
  ['a group that is no domain', definition({ group: 'a_b' }, 'gadgets.a_b'), [`spec.group: .*${shape}`]],
  ['a plural that is no label', definition({ names: { plural: 'G' } }, 'G.example.com'), [`spec.names.plural: .*${shape}`]],
  [
    'a version that is no label',
    definition({ versions: [version('X_')] }),
    [`spec.versions\\[0\\].name: .*${shape}`, `spec.version: .*${shape}`],
  ],
  [
    'a later version that is no label',
    definition({ versions: [version('v1'), version('X_', { storage: false })] }),
    [`spec.versions\\[1\\].name: .*${shape}`],
  ],
  ['two versions of a name', definition({ versions: [version('v1'), version('v1', { storage: false })] }), ['spec.versions: .*unique']],
  ['none that is stored', definition({ versions: [version('v1', { storage: false })] }), [many, 'status.storedVersions: .*at least one']],
  ['two that are stored', definition({ versions: [version('v1'), version('v2')] }), [many, 'status.storedVersions: .*storage version v2']],
  [
    'no schema',
    definition({ versions: [version('v1', { schema: undefined })] }),
    ['spec.versions\\[0\\].schema.openAPIV3Schema: Required value'],
  ],
  [
    'no schema of one version',
    definition({ versions: [version('v1'), version('v2', { storage: false, schema: {} })] }),
    ['spec.versions\\[1\\].schema.openAPIV3Schema: Required value'],
  ],
  [
    'a type that is none, once for all versions',
    definition({ versions: [typed('list'), { ...typed('list'), name: 'v2', storage: false }] }),
    ['spec.validation.openAPIV3Schema.properties\\[spec\\].items.type: Unsupported value: "list"'],
  ],
  [
    'a type that is none, of a version of its own',
    definition({ versions: [version('v2'), { ...typed('list'), storage: false }] }),
    ['spec.versions\\[1\\].schema.openAPIV3Schema.properties\\[spec\\].items.type: Unsupported value: "list"'],
  ],
];

describe('a definition is refused for', () => {
  for (const [name, next, causes] of rows)
    test(name, () => {
      const found = said(next);
      assert.equal(found.length, causes.length, found.join('\n'));
      for (const [index, cause] of causes.entries()) assert.match(found[index] ?? '', new RegExp(`^${cause}`));
    });
});

test('a definition that is already there may stay as it is, and no longer once it changes', () => {
  const old = definition({ scope: 'X' });
  assert.deepEqual(said({ ...old, status: { conditions: [] } }, old), []);
  assert.equal(said(definition({ scope: 'Y' }), old).length, 1);
});

test('a definition may move what it stores to another version', () => {
  const live: Stored = { ...definition(), status: { storedVersions: ['v1'] } };
  assert.deepEqual(said(definition({ versions: [version('v1', { storage: false }), version('v2')] }), live), []);
});
