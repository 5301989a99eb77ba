import { builtin, shapeOf, shapeOfSchema, type Shape } from '../fields/shapes.ts';
import { at, docAt, isDoc, listAt, textAt, type Doc, type Stored } from '../values.ts';

/** A column that a person sees. */
export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  readonly priority?: number;
  readonly path: string;
}

/** One kind at one version. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly listKind: string;
  readonly resource: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly hasStatus: boolean;
  readonly builtIn: boolean;
  readonly counted: boolean;
  readonly shape: Shape;
  /** Of custom kinds. */
  readonly columns: readonly Column[];
  readonly selectable: readonly string[];
  /** Version in which a custom kind is kept. */
  readonly storageVersion: string;
}

/** Where the objects of a kind are kept, whatever version they are asked in. */
export const tableOf = ({ group, resource }: Pick<Kind, 'group' | 'resource'>): string => `${group}/${resource}`;
export const apiVersionOf = ({ group, version }: Pick<Kind, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

// Built-in kinds whose `generation` counts the changes of what is wanted. The others have none.
const counted = new Set(
  `PodTemplate Deployment ReplicaSet StatefulSet DaemonSet Job CronJob Pod Ingress IngressClass NetworkPolicy PodDisruptionBudget CustomResourceDefinition
  ReplicationController PriorityClass EndpointSlice ValidatingWebhookConfiguration MutatingWebhookConfiguration FlowSchema PriorityLevelConfiguration
  ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding MutatingAdmissionPolicy MutatingAdmissionPolicyBinding DeviceClass ResourceSlice`.split(
    /\s+/,
  ),
);

const strings = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);

const own: readonly Kind[] = listAt(builtin, 'kinds').map((row): Kind => {
  const kind = textAt(row, 'kind');
  return {
    group: textAt(row, 'group'),
    version: textAt(row, 'version'),
    kind,
    listKind: `${kind}List`,
    resource: textAt(row, 'resource'),
    singular: textAt(row, 'singular'),
    shortNames: strings(at(row, 'shortNames')),
    categories: strings(at(row, 'categories')),
    namespaced: at(row, 'namespaced') === true,
    hasStatus: at(row, 'status') === true,
    builtIn: true,
    counted: counted.has(kind),
    columns: [],
    selectable: [],
    storageVersion: textAt(row, 'version'),
    get shape() {
      return shapeOf(textAt(row, 'type'));
    },
  };
});
const ownByPath = new Map(own.map((kind) => [`${kind.group}/${kind.version}/${kind.resource}`, kind]));
const ownGroups = new Set(own.map(({ group }) => group));

/** What a definition that is established defines, a kind per served version. */
export function kindsOf(definition: Stored): readonly Kind[] {
  const spec = docAt(definition, 'spec');
  const names = docAt(definition, 'status', 'acceptedNames');
  const versions = listAt(spec, 'versions') as readonly Doc[];
  const storage = versions.find((version) => version['storage'] === true);
  return versions
    .filter((version) => version['served'] === true)
    .map((version): Kind => {
      const schema = docAt(version, 'schema', 'openAPIV3Schema');
      const keeps = at(spec, 'preserveUnknownFields') === true ? { 'x-kubernetes-preserve-unknown-fields': true } : {};
      const columns = listAt(version, 'additionalPrinterColumns') as readonly Doc[];
      return {
        group: textAt(spec, 'group'),
        version: textAt(version, 'name'),
        kind: textAt(names, 'kind'),
        listKind: textAt(names, 'listKind'),
        resource: textAt(names, 'plural'),
        singular: textAt(names, 'singular'),
        shortNames: strings(names['shortNames']),
        categories: strings(names['categories']),
        namespaced: spec['scope'] === 'Namespaced',
        hasStatus: isDoc(at(version, 'subresources', 'status')),
        builtIn: false,
        counted: true,
        shape: shapeOfSchema({ ...schema, ...keeps }, true),
        storageVersion: textAt(storage, 'name'),
        columns: columns.map((column) => ({ ...column, path: textAt(column, 'jsonPath') }) as unknown as Column),
        selectable: listAt(version, 'selectableFields').map((field) => textAt(field, 'jsonPath').replace(/^\./, '')),
      };
    });
}

/** The kinds that one cluster serves: the built-in ones and those of its definitions. */
export class Kinds {
  readonly #custom = new Map<string, Kind>();
  readonly #definitions = new Map<string, readonly Kind[]>();

  /** Takes a definition as it is now; undefined: it is gone. */
  define(name: string, definition: Stored | undefined): void {
    for (const kind of this.#definitions.get(name) ?? []) this.#custom.delete(`${kind.group}/${kind.version}/${kind.resource}`);
    this.#definitions.delete(name);
    const isEstablished = listAt(definition, 'status', 'conditions').some(
      (one) => textAt(one, 'type') === 'Established' && textAt(one, 'status') === 'True',
    );
    if (!definition || !isEstablished) return;
    const kinds = kindsOf(definition);
    this.#definitions.set(name, kinds);
    for (const kind of kinds) this.#custom.set(`${kind.group}/${kind.version}/${kind.resource}`, kind);
  }

  find(group: string, version: string, resource: string): Kind | undefined {
    const path = `${group}/${version}/${resource}`;
    return ownByPath.get(path) ?? this.#custom.get(path);
  }

  /** The built-in kind of that name, which this program knows to exist. */
  own(kind: string): Kind {
    const found = own.find((one) => one.kind === kind);
    if (!found) throw new TypeError(`no built-in kind ${kind}`);
    return found;
  }

  /** How the objects of a table are kept. */
  ofTable(table: string): Kind | undefined {
    return this.all().find((kind) => tableOf(kind) === table && kind.version === kind.storageVersion);
  }

  all(): readonly Kind[] {
    return this.#custom.size === 0 ? own : [...own, ...this.#custom.values()];
  }

  /** Whether the group is one of Kubernetes' own. */
  isOwn(group: string): boolean {
    return ownGroups.has(group);
  }
}
