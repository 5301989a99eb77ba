import type { Cause } from '../errors.ts';
import { at, docAt, isDoc, listAt, same, textAt, type Doc, type Stored } from '../values.ts';
import { required, textCauses, unsupported, wrong } from './causes.ts';

// What a definition of a kind is refused for, in the words of the real one. Of schemas the types alone: no combinations, no CEL rules.

/** What is wrong with a definition that is about to be written; nothing: []. What is there already as it is may stay. */
export function definitionCauses(live: Stored | undefined, next: Stored): readonly Cause[] {
  const [spec, { name }, versions] = [docAt(next, 'spec'), next.metadata, listAt(next, 'spec', 'versions')];
  if (live && same(live['spec'], spec)) return [];
  const [group, scope, plural] = [textAt(spec, 'group'), textAt(spec, 'scope'), textAt(spec, 'names', 'plural')];
  const names = versions.map((one) => textAt(one, 'name'));
  const stored = names.filter((_, index) => at(versions[index], 'storage') === true);
  const isNew = listAt(live, 'status', 'storedVersions').length === 0;
  // What is missing is said by whoever reads the document.
  const amiss = group === '' ? [] : textCauses('spec.group', [group], 'subdomain');
  const says = (isAmiss: boolean, ...cause: Parameters<typeof wrong>): readonly Cause[] => (isAmiss ? [wrong(...cause)] : []);
  return [
    ...says(name !== `${plural}.${group}`, 'metadata.name', name, 'must be spec.names.plural+"."+spec.group'),
    ...amiss,
    ...says(amiss.length === 0 && /^[^.]+$/.test(group), 'spec.group', group, 'should be a domain with at least one dot'),
    ...(['', 'Cluster', 'Namespaced'].includes(scope) ? [] : [unsupported('spec.scope', scope, ['Cluster', 'Namespaced'])]),
    ...names.flatMap((one, index) => textCauses(`spec.versions[${index}].name`, [one], 'Service')),
    ...says(new Set(names).size < names.length, 'spec.versions', names, 'must contain unique version names'),
    ...says(stored.length !== 1, 'spec.versions', names, 'must have exactly one version marked as storage version'),
    ...textCauses('spec.version', names.slice(0, 1), 'Service'),
    ...says(isNew && stored.length === 0, 'status.storedVersions', null, 'must have at least one stored version'),
    ...says(isNew && stored.length > 1, 'status.storedVersions', stored.slice(0, 1), `must have the storage version ${stored[1]}`),
    ...textCauses('spec.names.plural', [plural], 'Service'),
    ...schemaCauses(versions.map((one) => at(one, 'schema', 'openAPIV3Schema'))),
  ];
}

/** A schema that all versions share is named once, as the real one keeps it. */
function schemaCauses(schemas: readonly unknown[]): readonly Cause[] {
  const isShared = schemas.every((one) => same(one, schemas[0]));
  return schemas.flatMap((schema, index) => {
    const field = `spec.versions[${index}].schema.openAPIV3Schema`;
    if (!isDoc(schema)) return [required(field)];
    return isShared && index > 0 ? [] : typeCauses(schema, isShared ? 'spec.validation.openAPIV3Schema' : field);
  });
}

const types = ['', 'array', 'boolean', 'integer', 'number', 'object', 'string'];

function typeCauses(schema: Doc, path: string): readonly Cause[] {
  const { type = '', items, additionalProperties, properties } = schema;
  const named = Object.entries(docAt({ properties }, 'properties')).map(([name, one]): [string, unknown] => [`properties[${name}]`, one]);
  const inner = [...named, ...Object.entries({ items, additionalProperties })];
  const own = types.includes(String(type)) ? [] : [unsupported(`${path}.type`, type, types.slice(1))];
  return [...own, ...inner.flatMap(([step, one]) => (isDoc(one) ? typeCauses(one, `${path}.${step}`) : []))];
}
