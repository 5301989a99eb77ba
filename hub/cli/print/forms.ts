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
  | { readonly form: 'json' | 'yaml' | 'name' }
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

/** What is printed of resources, byte for byte. Pure. */
export function textOf(
  { kind, items, single, resourceVersion = '', now }: Shown,
  form: Form,
  { headers, paint, width }: { readonly headers: boolean; readonly paint: Paint; readonly width?: number | undefined },
): string {
  if (form.form === 'table') {
    if (items.length === 0) return '';
    return lines(tableLines(tableOf(kind, items, form.wide, now), { headers, paint, width: form.wide ? undefined : width }));
  }
  if (form.form === 'name') return lines(items.map(objectOf));
  const whole = single
    ? items[0]
    : { apiVersion: 'wheelhouse.dev/v1alpha1', kind: `${kind.kind}List`, metadata: { resourceVersion }, items };
  if (form.form === 'jsonpath') return fillTemplate(form.template, whole);
  return documentText(form.form, whole);
}

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
