import { Ajv2020 } from 'ajv/dist/2020.js';

// A validator that has nothing to do with the schemas that the document is made of.

const formats = ['date-time', 'uri', 'int64', 'int32'];

/** What is wrong with a value by the schema that stands at this place of an OpenAPI document; []: nothing. */
export function judgeOf(document: object): (pointer: string, value: unknown) => readonly string[] {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    allErrors: true,
    formats: Object.fromEntries(formats.map((format) => [format, true])),
  });
  // What a document has beside schemas.
  ajv.addVocabulary(Object.keys(document));
  ajv.addSchema(document, 'document', undefined, false);
  return (pointer, value) => {
    const validate = ajv.getSchema(`document#${pointer}`);
    if (!validate) return [`there is no schema at ${pointer}`];
    if (validate(value)) return [];
    return (validate.errors ?? []).map(({ instancePath, message = '' }) => `${instancePath}: ${message}`);
  };
}

/** Whether each schema of the document is one, by the meta-schema of JSON Schema 2020-12. */
export function brokenSchemas(schemas: Readonly<Record<string, unknown>>): readonly string[] {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return Object.entries(schemas).flatMap(([name, schema]) =>
    ajv.validateSchema(schema as object) === true ? [] : [`${name}: ${ajv.errorsText(ajv.errors)}`],
  );
}

/** The place of what an operation answers. */
export const answerAt = (method: string, path: string): string =>
  `/paths/${encodeURIComponent(path.replaceAll('~', '~0').replaceAll('/', '~1'))}/${method.toLowerCase()}/responses/200/content/application~1json/schema`;
