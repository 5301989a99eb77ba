import { stringify } from 'yaml';
import { usageError } from '../exits.ts';
import { columnsOf } from '../kinds/columns.ts';
import { objectOf, type AnyResource, type Kind } from '../kinds/kinds.ts';
import type { Paint } from './colours.ts';
import { fillTemplate, parseTemplate, type Template } from './jsonpath.ts';
import { tableLines, type Table } from './tables.ts';

/** What -o asks for. */
export type Form =
  | { readonly form: 'table'; readonly wide: boolean }
  | { readonly form: 'json' | 'yaml' }
  | { readonly form: 'name' }
  | { readonly form: 'jsonpath'; readonly template: Template };

export const formsHelp = 'wide|json|yaml|name|jsonpath=TEMPLATE';

/** Throws CliError USAGE. */
export function formOf(text: string | undefined): Form {
  if (text === undefined) return { form: 'table', wide: false };
  if (text === 'wide') return { form: 'table', wide: true };
  if (text === 'json' || text === 'yaml' || text === 'name') return { form: text };
  const [, template] = /^jsonpath=([\s\S]+)$/.exec(text) ?? [];
  if (template !== undefined) return { form: 'jsonpath', template: parseTemplate(template) };
  throw usageError(`-o ${text} is no form of output`, `one of ${formsHelp.replaceAll('|', ', ')}`);
}

/** The forms of a command that answers with one document and has no table of resources. */
export function documentFormOf(text: string | undefined): 'table' | 'json' | 'yaml' {
  if (text === undefined) return 'table';
  if (text === 'json' || text === 'yaml') return text;
  throw usageError(`-o ${text} is no form of this output`, 'one of json, yaml');
}

export const documentText = (form: 'json' | 'yaml', value: unknown): string =>
  form === 'json' ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });

export function tableOf(kind: Kind, items: readonly AnyResource[], wide: boolean, now: number): Table {
  const shown = columnsOf[kind.kind].filter((column) => wide || !column.wide);
  return { titles: shown.map(({ title }) => title), rows: items.map((item) => shown.map(({ cell }) => cell(item, now))) };
}

export interface Shown {
  readonly kind: Kind;
  readonly items: readonly AnyResource[];
  /** One thing that was asked for by name is itself, not a list of one. */
  readonly single: boolean;
  readonly resourceVersion?: string;
  /** The hub's wall time, epoch milliseconds. */
  readonly now: number;
}

interface Look {
  readonly headers: boolean;
  readonly paint: Paint;
  readonly width?: number | undefined;
}

/** What is printed of resources, byte for byte. Pure. */
export function textOf(shown: Shown, form: Form, look: Look): string {
  const { kind, items, single, resourceVersion = '' } = shown;
  if (form.form === 'table') return tableText(shown, tableOf(kind, items, form.wide, shown.now), form, look);
  if (form.form === 'name') return lines(items.map(objectOf));
  const whole = single
    ? items[0]
    : { apiVersion: 'wheelhouse.dev/v1alpha1', kind: `${kind.kind}List`, metadata: { resourceVersion }, items };
  return wholeText(form, whole);
}

/** Of several kinds: a table for each that has anything, its names with the kind before them; else one list. Pure. */
export function severalText(all: readonly Shown[], form: Form, look: Look): string {
  if (form.form === 'name') return lines(all.flatMap(({ items }) => items.map(objectOf)));
  if (form.form !== 'table') {
    const items = all.flatMap((shown) => shown.items);
    return wholeText(form, { apiVersion: 'wheelhouse.dev/v1alpha1', kind: 'List', metadata: { resourceVersion: '' }, items });
  }
  const tables = all.filter(({ items }) => items.length > 0);
  return tables
    .map((shown) => tableText(shown, namesWithKind(tableOf(shown.kind, shown.items, form.wide, shown.now), shown.kind), form, look))
    .join('\n');
}

function namesWithKind({ titles, rows }: Table, { singular }: Kind): Table {
  const at = titles.indexOf('NAME');
  return { titles, rows: rows.map((row) => row.map((cell, i) => (i === at ? `${singular}/${cell}` : cell))) };
}

const tableText = ({ items }: Shown, table: Table, { wide }: { readonly wide: boolean }, { headers, paint, width }: Look): string =>
  items.length === 0 ? '' : lines(tableLines(table, { headers, paint, width: wide ? undefined : width }));

const wholeText = (form: Exclude<Form, { form: 'table' | 'name' }>, whole: unknown): string =>
  form.form === 'jsonpath' ? fillTemplate(form.template, whole) : documentText(form.form, whole);

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
