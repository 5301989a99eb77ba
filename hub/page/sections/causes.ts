import { html, type Html } from '../html.ts';
import { why } from '../words.ts';
import type { Wrong } from '../wrongs.ts';

const objectsMax = 3;

/** The objects that are at fault; of a single one that says it all it is enough. */
export function cause({ objects, reason, message }: Pick<Wrong, 'objects' | 'reason' | 'message'>): Html {
  const [first] = objects;
  if (first && objects.length === 1 && message.includes(first.message))
    return html`<p><code>${first.object}</code> ${why(first.reason, first.message)}</p>`;
  const shown = objects.slice(0, objectsMax).map((one) => html`<li><code>${one.object}</code> ${why(one.reason, one.message)}</li>`);
  const more = objects.length > objectsMax && html`<li class="quiet">and ${objects.length - objectsMax} more objects</li>`;
  return html`<p>${why(reason, message)}</p>
    ${
      shown.length > 0 &&
      html`<ul class="objects">
        ${shown}${more}
      </ul>`
    }`;
}
