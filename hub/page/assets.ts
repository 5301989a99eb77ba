import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, humanAge } from '#shared/kernel/mod.ts';

export interface Asset {
  readonly type: string;
  readonly text: string;
}

const types: Readonly<Record<string, string>> = { css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
const names = ['page.css', 'page.js', 'login.js', 'icon.svg'];

/** What a browser loads beside the page, as it is in this folder; and how ages are told, in the very words of the hub. */
export function loadAssets(): { readonly files: ReadonlyMap<string, Asset>; readonly version: string } {
  const files = new Map(
    names.map((name) => {
      const type = types[name.split('.').at(-1) ?? ''] ?? 'text/plain';
      return [name, { type: `${type}; charset=utf-8`, text: readFileSync(join(import.meta.dirname, 'assets', name), 'utf8') }];
    }),
  );
  files.set('ages.js', { type: 'text/javascript; charset=utf-8', text: `export const humanAge = ${String(humanAge)};\n` });
  const version = digestOf([...files.values()].map(({ text }) => text).join('\0')).slice('sha256:'.length, 'sha256:'.length + 12);
  return { files, version };
}
