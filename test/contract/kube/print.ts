// The text of a case file: what fits into a line is one, as the tree's formatter leaves it. Pure.

const widthMax = 140;

export function print(value: unknown, indent = 0, before = 0): string {
  const flat = inline(value);
  if (indent > 0 && before + flat.length <= widthMax - 1 && !hasLongArray(value)) return flat;
  const pad = ' '.repeat(indent + 2);
  const end = ' '.repeat(indent);
  if (Array.isArray(value) && value.length > 0)
    return `[\n${value.map((item) => `${pad}${print(item, indent + 2, indent + 2)}`).join(',\n')}\n${end}]`;
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0) {
    const lines = Object.entries(value).map(([key, item]) => {
      const head = `${JSON.stringify(key)}: `;
      return `${pad}${head}${print(item, indent + 2, indent + 2 + head.length)}`;
    });
    return `{\n${lines.join(',\n')}\n${end}}`;
  }
  return flat;
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.length === 0 ? '{}' : `{ ${entries.map(([key, item]) => `${JSON.stringify(key)}: ${inline(item)}`).join(', ')} }`;
}

// The formatter gives lists of several objects with several fields a line each.
function hasLongArray(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  const isLong =
    Array.isArray(value) &&
    value.length > 1 &&
    (value.every((item) => typeof item === 'object' && item !== null && !Array.isArray(item) && Object.keys(item as object).length > 1) ||
      value.every((item) => Array.isArray(item) && item.length > 1));
  return isLong || items.some(hasLongArray);
}
