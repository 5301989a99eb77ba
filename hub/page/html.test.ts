import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { brief, escaped, html, Html } from './html.ts';

const hostile: readonly (readonly [what: string, text: string, want: string])[] = [
  ['a script', '<script>alert(1)</script>', '&lt;script&gt;alert(1)&lt;/script&gt;'],
  ['the end of an attribute', '" onclick="x', '&quot; onclick=&quot;x'],
  ['the end of the other attribute', "' x='", '&#39; x=&#39;'],
  ['an entity', '&lt;', '&amp;lt;'],
  ['a comment', '<!--', '&lt;!--'],
  ['a bell', 'a\u0007b', 'a\uFFFDb'],
  ['an escape sequence', '\u001B[31mred', '\uFFFD[31mred'],
  ['letters that turn round', 'prod\u202E1-ved', 'prod\uFFFD1-ved'],
  ['letters that are not seen', 'pr\u200Bod', 'pr\uFFFDod'],
  ['half a letter', 'a\uD800', 'a\uFFFD'],
  ['lines', 'a\n\tb', 'a\n\tb'],
  ['letters of others', 'プロダクション – Größe 🚀', 'プロダクション – Größe 🚀'],
];
for (const [what, text, want] of hostile) test(`escaped: ${what}`, () => assert.equal(escaped(text), want));

test('whatever is put in, only the template makes tags, and attributes end where it ends them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const made = html`<p title="${text}">${text}</p>`.text;
      assert.match(made, /^<p title="[^"<>]*">[^<>]*<\/p>$/);
    }),
  );
});

test('what was escaped says what it said', () => {
  const back = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'" } as Record<string, string>;
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) =>
      assert.equal(
        escaped(text).replaceAll(/&\w+;|&#39;/g, (one) => back[one] ?? one),
        text,
      ),
    ),
  );
});

test('HTML goes in as it is, lists are joined, and what is not there is nothing', () => {
  assert.equal(html`${html`<b>${'<'}</b>`}${[html`<i></i>`, 'a&b', 3]}${null}${undefined}${false}${0}`.text, '<b>&lt;</b><i></i>a&amp;b30');
  assert.ok(html`` instanceof Html);
});

const briefs: readonly (readonly [string, number, string])[] = [
  ['short', 10, 'short'],
  ['  a\n\n b\t', 10, 'a b'],
  ['0123456789', 5, '0123…'],
  ['🚀🚀🚀🚀', 3, '🚀🚀…'],
];
for (const [text, max, want] of briefs) test(`brief: ${JSON.stringify(text)} in ${max}`, () => assert.equal(brief(text, max), want));
