import { notImplemented, type About } from '../errors.ts';
import { shapeOf, shapeOfSchema, type Shape } from '../fields/shapes.ts';
import { builtin, facts } from '../schemas/tables.ts';
import { at, docAt, isDoc, listAt, textAt, type Doc, type Stored } from '../values.ts';
import { isTrue } from './conditions.ts';

type Flags = 'namespaced' | 'hasStatus' | 'hasScale' | 'builtIn' | 'counted';
/** One kind, at the one version in which it is served here. `counted`: its generation counts the changes of what is wanted. */
export interface Kind extends About, Readonly<Record<'version' | 'listKind' | 'singular', string>>, Readonly<Record<Flags, boolean>> {
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly shape: Shape;
  /** Of a kind of somebody's own. */
  readonly schema?: Doc;
}

/** Where the objects of a kind are kept. */
export const tableOf = ({ group, resource }: Pick<Kind, 'group' | 'resource'>): string => `${group}/${resource}`;
export const apiVersionOf = ({ group, version }: Pick<Kind, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

const own = listAt(builtin, 'kinds').map((row): Kind => {
  const { status, type, ...names } = row as Kind & { readonly type: string; readonly status?: true };
  const [hasScale = false, counted = false] = ['scaled', 'counted'].map((list) => listAt(facts, list).includes(names.kind));
  const flags = { namespaced: at(row, 'namespaced') === true, hasStatus: status === true, hasScale, counted, builtIn: true };
  // Its shape is made when somebody asks for it.
  return Object.defineProperty({ ...names, ...flags, listKind: `${names.kind}List` }, 'shape', { get: () => shapeOf(type) });
});
const ownTables = new Map(own.map((kind) => [tableOf(kind), kind]));

/** What a definition defines: of several versions, the one in which objects are kept. */
function kindOf(definition: Stored): Kind {
  const spec = docAt(definition, 'spec');
  const stored = listAt(spec, 'versions').find((one) => at(one, 'storage') === true);
  const { plural, ...names } = docAt(definition, 'status', 'acceptedNames') as unknown as Kind & { readonly plural: string };
  const free = spec['preserveUnknownFields'] === true ? { 'x-kubernetes-preserve-unknown-fields': true } : {};
  const schema = { ...docAt(stored, 'schema', 'openAPIV3Schema'), ...free };
  const shape = shapeOfSchema(schema, true);
  const [namespaced, hasStatus] = [spec['scope'] === 'Namespaced', isDoc(at(stored, 'subresources', 'status'))];
  const place = { group: textAt(spec, 'group'), version: textAt(stored, 'name'), resource: plural };
  return { ...names, ...place, namespaced, hasStatus, hasScale: false, builtIn: false, counted: true, shape, schema };
}

/** The kinds that one cluster serves: the built-in ones and those of its definitions. */
export class Kinds {
  readonly #custom = new Map<string, Kind>();

  /** Takes a definition as it is now, undefined: it is gone. Its name is resource and group. */
  define(name: string, definition: Stored | undefined): void {
    const [resource = '', ...group] = name.split('.');
    const table = tableOf({ group: group.join('.'), resource });
    if (isTrue(definition, 'Established')) this.#custom.set(table, kindOf(definition as Stored));
    else this.#custom.delete(table);
  }

  /** Throws NotImplemented for a kind that is served at another version. */
  find(group: string, version: string, resource: string): Kind | undefined {
    const kind = this.ofTable(tableOf({ group, resource }));
    if (!kind || kind.version === version) return kind;
    throw notImplemented(`${resource} at ${version}: a kind is served at one version, this one at ${kind.version}`);
  }

  /** The built-in kind of that name, which this program knows to exist. */
  own(kind: string): Kind {
    return own.find((one) => one.kind === kind) as Kind;
  }

  ofTable(table: string): Kind | undefined {
    return ownTables.get(table) ?? this.#custom.get(table);
  }

  all(): readonly Kind[] {
    return [...own, ...this.#custom.values()];
  }
}
