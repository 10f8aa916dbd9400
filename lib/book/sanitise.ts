// Sanitise: HTML that a notebook's outputs bring, reduced to text, tables and simple marks.
// Nothing that remains can run, load, link out of its own style or look like the page around it.

import { createRequire } from 'node:module';

const TAGS = [
  ...[
    'a',
    'b',
    'blockquote',
    'br',
    'caption',
    'code',
    'col',
    'colgroup',
    'dd',
    'del',
    'details',
    'div',
    'dl',
    'dt',
    'em',
    'h4',
    'h5',
    'h6',
  ],
  ...[
    'hr',
    'i',
    'ins',
    'kbd',
    'li',
    'ol',
    'p',
    'pre',
    's',
    'samp',
    'small',
    'span',
    'strong',
    'sub',
    'summary',
    'sup',
    'table',
    'tbody',
    'td',
  ],
  ...['tfoot', 'th', 'thead', 'tr', 'u', 'ul', 'var'],
];
const ATTRIBUTES = ['align', 'colspan', 'href', 'open', 'rowspan', 'scope', 'title'];

interface Purifier {
  sanitize(html: string, options: object): string;
}

let purifier: Purifier | undefined;

/** The harmless part of `html`. */
export function sanitiseHtml(html: string): string {
  purifier ??= loadPurifier();
  return purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOWED_URI_REGEXP: /^(?:https?:|#)/i,
  });
}

function loadPurifier(): Purifier {
  const require = createRequire(import.meta.url);
  const { JSDOM } = require('jsdom') as { JSDOM: new (html: string) => { window: object } };
  const createDOMPurify = require('dompurify') as (window: object) => Purifier;
  return createDOMPurify(new JSDOM('').window);
}
