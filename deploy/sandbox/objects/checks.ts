import type { Cause } from '../errors.ts';
import type { Shape } from '../fields/shapes.ts';
import { at, docAt, isDoc, isList, listAt, same, textAt, type Doc, type Stored } from '../values.ts';
import type { Kind } from './kinds.ts';
import { matchesSelector } from './selectors.ts';

// What a document is refused for, in the words of the real one. Of built-in kinds only what people run into; of custom kinds what their schema demands.

const show = (value: unknown): string => (value === undefined ? 'null' : JSON.stringify(value));
const required = (field: string, why = ''): Cause => ({
  reason: 'FieldValueRequired',
  message: `Required value${why === '' ? '' : `: ${why}`}`,
  field,
});
export const wrong = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${show(value)}: ${why}`,
  field,
});

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';
const subdomain = `${label}(\\.${label})*`;
const forms = {
  subdomain: {
    pattern: new RegExp(`^${subdomain}$`),
    max: 253,
    why: `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`,
  },
  label: {
    pattern: new RegExp(`^${label}$`),
    max: 63,
    why: `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`,
  },
  service: {
    pattern: /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
    max: 63,
    why: `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`,
  },
  segment: { pattern: /^[^/%]+$/, max: 253, why: "may not contain '/'" },
};
const formOfName = ({ kind, group }: Kind): keyof typeof forms =>
  kind === 'Namespace' ? 'label' : kind === 'Service' ? 'service' : group === 'rbac.authorization.k8s.io' ? 'segment' : 'subdomain';

function nameCauses(field: string, name: string, form: keyof typeof forms): readonly Cause[] {
  const { pattern, max, why } = forms[form];
  if (name.length > max) return [wrong(field, name, `must be no more than ${max} ${form === 'subdomain' ? 'characters' : 'bytes'}`)];
  if (form === 'label' && /^[a-z0-9.-]+$/.test(name) && name.includes('.')) return [wrong(field, name, 'must not contain dots')];
  return pattern.test(name) ? [] : [wrong(field, name, why)];
}

const labelName = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
const whyKey =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const whyValue =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

function metadataCauses(kind: Kind, { metadata }: Stored): readonly Cause[] {
  const keys = (field: string, map: Readonly<Record<string, string>> = {}): readonly Cause[] =>
    Object.keys(map).flatMap((key) => (labelName.test(key) ? [] : [wrong(field, key, whyKey)]));
  return [
    ...(metadata.name === ''
      ? [required('metadata.name', 'name or generateName is required')]
      : nameCauses('metadata.name', metadata.name, formOfName(kind))),
    ...Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
      if (value.length > 63) return [wrong('metadata.labels', value, 'must be no more than 63 bytes')];
      return [...keys('metadata.labels', { [key]: '' }), ...(labelValue.test(value) ? [] : [wrong('metadata.labels', value, whyValue)])];
    }),
    ...keys('metadata.annotations', metadata.annotations),
  ];
}

/** What is wrong with an object that is about to be written; nothing: []. */
export function causesOf(kind: Kind, live: Stored | undefined, next: Stored): readonly Cause[] {
  const own = kind.builtIn ? (byKind[kind.kind]?.(next) ?? []) : demandCauses(kind.shape, next, '');
  return [...metadataCauses(kind, next), ...own, ...(live ? changeCauses(kind, live, next) : [])];
}

const podCauses = (spec: Doc, path: string): readonly Cause[] => {
  const containers = listAt(spec, 'containers');
  if (containers.length === 0) return [required(`${path}.containers`)];
  return containers.flatMap((one, index) => {
    const [name, image] = [textAt(one, 'name'), textAt(one, 'image')];
    const twice = containers.findIndex((other) => textAt(other, 'name') === name) < index;
    return [
      ...(name === '' ? [required(`${path}.containers[${index}].name`)] : nameCauses(`${path}.containers[${index}].name`, name, 'label')),
      ...(twice
        ? [{ reason: 'FieldValueDuplicate', message: `Duplicate value: ${show(name)}`, field: `${path}.containers[${index}].name` }]
        : []),
      ...(image === '' ? [required(`${path}.containers[${index}].image`)] : []),
    ];
  });
};

const workload = (next: Stored): readonly Cause[] => {
  const spec = docAt(next, 'spec');
  const selector = at(spec, 'selector');
  const labels = at(spec, 'template', 'metadata', 'labels');
  const mismatch = '`selector` does not match template `labels`';
  const replicas = at(spec, 'replicas');
  return [
    ...(typeof replicas === 'number' && replicas < 0 ? [wrong('spec.replicas', replicas, 'must be greater than or equal to 0')] : []),
    ...(isDoc(selector) ? [] : [required('spec.selector')]),
    ...(isDoc(selector) && matchesSelector(selector, docAt(labels) as Record<string, string>)
      ? []
      : [wrong('spec.template.metadata.labels', labels, mismatch)]),
    ...podCauses(docAt(spec, 'template', 'spec'), 'spec.template.spec'),
  ];
};

const configKeys = (next: Stored): readonly Cause[] =>
  ['data', 'binaryData'].flatMap((map) =>
    Object.keys(docAt(next, map)).flatMap((key) => (/^[-._a-zA-Z0-9]+$/.test(key) ? [] : [wrong(`${map}[${key}]`, key, whyConfigKey)])),
  );
const whyConfigKey =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

const byKind: Readonly<Record<string, (next: Stored) => readonly Cause[]>> = {
  ConfigMap: configKeys,
  Secret: configKeys,
  PodTemplate: (next) => podCauses(docAt(next, 'template', 'spec'), 'template.spec'),
  Deployment: workload,
  ReplicaSet: workload,
  StatefulSet: workload,
  DaemonSet: workload,
  Pod: (next) => podCauses(docAt(next, 'spec'), 'spec'),
  Job: (next) => [
    ...podCauses(docAt(next, 'spec', 'template', 'spec'), 'spec.template.spec'),
    ...(textAt(next, 'spec', 'template', 'spec', 'restartPolicy') === 'Always'
      ? [
          {
            reason: 'FieldValueNotSupported',
            message: 'Unsupported value: "Always": supported values: "OnFailure", "Never"',
            field: 'spec.template.spec.restartPolicy',
          },
        ]
      : []),
  ],
  Service: (next) =>
    listAt(next, 'spec', 'ports').length === 0 &&
    textAt(next, 'spec', 'clusterIP') !== 'None' &&
    textAt(next, 'spec', 'type') !== 'ExternalName'
      ? [required('spec.ports')]
      : [],
  CustomResourceDefinition: (next) => {
    const wanted = `${textAt(next, 'spec', 'names', 'plural')}.${textAt(next, 'spec', 'group')}`;
    const versions = listAt(next, 'spec', 'versions');
    return [
      ...(next.metadata.name === wanted ? [] : [wrong('metadata.name', next.metadata.name, `must be spec.names.plural+"."+spec.group`)]),
      ...(textAt(next, 'spec', 'scope') === '' ? [required('spec.scope')] : []),
      ...(versions.filter((one) => at(one, 'storage') === true).length === 1
        ? []
        : [wrong('spec.versions', versions, 'must have exactly one version marked as storage version')]),
      ...versions.flatMap((one, index) =>
        isDoc(at(one, 'schema', 'openAPIV3Schema')) ? [] : [required(`spec.versions[${index}].schema.openAPIV3Schema`)],
      ),
    ];
  },
};

/** Fields that never change once they are written. */
const fixed: Readonly<Record<string, readonly string[]>> = {
  Deployment: ['spec.selector'],
  ReplicaSet: ['spec.selector'],
  DaemonSet: ['spec.selector'],
  Job: ['spec.selector', 'spec.template.spec', 'spec.completionMode'],
  Secret: ['type'],
  CustomResourceDefinition: ['spec.scope', 'spec.group', 'spec.names.kind', 'spec.names.plural'],
};

function changeCauses(kind: Kind, live: Stored, next: Stored): readonly Cause[] {
  const changed = (path: string): boolean => !same(at(live, ...path.split('.')), at(next, ...path.split('.')));
  const causes = (kind.builtIn ? (fixed[kind.kind] ?? []) : [])
    .filter(changed)
    .map((path) => wrong(path, at(next, ...path.split('.')), 'field is immutable'));
  if (kind.builtIn && at(live, 'immutable') === true)
    for (const path of ['data', 'binaryData', 'immutable'].filter(changed))
      causes.push({ reason: 'FieldValueForbidden', message: 'Forbidden: field is immutable when `immutable` is set', field: path });
  if (kind.group === 'rbac.authorization.k8s.io' && changed('roleRef'))
    causes.push(wrong('roleRef', next['roleRef'], 'cannot change roleRef'));
  const added = (next.metadata.finalizers ?? []).filter((one) => !live.metadata.finalizers?.includes(one));
  if (live.metadata.deletionTimestamp && added.length > 0) {
    const why = `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map(show).join(', ')}}`;
    const cause = { reason: 'FieldValueForbidden', message: why, field: 'metadata.finalizers' };
    causes.push(cause, cause); // twice, as the real one says it
  }
  if (kind.kind === 'Pod' && kind.builtIn) {
    const fixedParts = (object: Stored): unknown =>
      listAt(object, 'spec', 'containers').map((one) => ({ ...(one as Doc), image: '', resources: '' }));
    if (!same(fixedParts(live), fixedParts(next)))
      causes.push({
        reason: 'FieldValueForbidden',
        message: 'Forbidden: pod updates may not change fields other than images, tolerations and deadlines',
        field: 'spec',
      });
  }
  if (kind.kind === 'StatefulSet' && kind.builtIn) {
    const may = 'replicas ordinals template updateStrategy revisionHistoryLimit persistentVolumeClaimRetentionPolicy minReadySeconds'.split(
      ' ',
    );
    const rest = (object: Stored): unknown =>
      Object.entries(docAt(object, 'spec'))
        .filter(([key]) => !may.includes(key))
        .sort();
    const why = `updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden`;
    if (!same(rest(live), rest(next))) causes.push({ reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field: 'spec' });
  }
  return causes;
}

/** What the schema of a custom kind demands of a value. */
function demandCauses(shape: Shape, value: unknown, path: string): readonly Cause[] {
  const { demands } = shape;
  const named = (key: string): string => (path === '' ? key : `${path}.${key}`);
  const causes: Cause[] = [];
  if (demands && value !== null && value !== undefined) causes.push(...ownDemands(demands, value, path === '' ? '<nil>' : path));
  if (isDoc(value)) {
    for (const key of listAt(demands, 'required') as readonly string[]) if (value[key] === undefined) causes.push(required(named(key)));
    for (const [key, inner] of Object.entries(value)) {
      const child = shape.fields.get(key) ?? shape.element;
      if (child?.demands) causes.push(...demandCauses(child, inner, named(key)));
    }
  }
  if (isList(value) && shape.element?.demands)
    for (const [index, item] of value.entries()) causes.push(...demandCauses(shape.element, item, `${path}[${index}]`));
  return causes;
}

function ownDemands(demands: Doc, value: unknown, field: string): readonly Cause[] {
  const causes: Cause[] = [];
  const bound = (name: string, ok: (limit: number) => boolean, why: (limit: number) => string): void => {
    const limit = demands[name];
    if (typeof limit === 'number' && !ok(limit)) causes.push(wrong(field, value, `${field} in body ${why(limit)}`));
  };
  const choices = demands['enum'];
  if (isList(choices) && !choices.some((one) => same(one, value)))
    causes.push({
      reason: 'FieldValueNotSupported',
      message: `Unsupported value: ${show(value)}: supported values: ${choices.map(show).join(', ')}`,
      field,
    });
  if (typeof value === 'number') {
    bound(
      'minimum',
      (limit) => value >= limit,
      (limit) => `should be greater than or equal to ${limit}`,
    );
    bound(
      'maximum',
      (limit) => value <= limit,
      (limit) => `should be less than or equal to ${limit}`,
    );
  }
  if (typeof value === 'string') {
    const pattern = demands['pattern'];
    bound(
      'minLength',
      (limit) => value.length >= limit,
      (limit) => `should be at least ${limit} chars long`,
    );
    if (typeof demands['maxLength'] === 'number' && value.length > demands['maxLength'])
      causes.push({ reason: 'FieldValueTooLong', message: `Too long: may not be more than ${demands['maxLength']} bytes`, field });
    if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value))
      causes.push(wrong(field, value, `${field} in body should match '${pattern}'`));
  }
  if (isList(value)) {
    bound(
      'minItems',
      (limit) => value.length >= limit,
      (limit) => `should have at least ${limit} items`,
    );
    if (typeof demands['maxItems'] === 'number' && value.length > demands['maxItems'])
      causes.push({
        reason: 'FieldValueTooMany',
        message: `Too many: ${value.length}: must have at most ${demands['maxItems']} items`,
        field,
      });
  }
  return causes;
}
