// Style: the site's style sheet. Colours of code and of the page in light and dark; contrast at least 4.5 to 1.

import { COLOURS } from '../report/theme.ts';

const LIGHT = `--paper: #ffffff; --panel: #f5f7fa; --line: #dfe4ea; --text: #1f2937; --quiet: #566072; --link: #005f99; --mark: #fff1d0;
  --keyword: #8a3ffc; --string: #0a6b4f; --number: #a33e00; --comment: #5f6b7a; --title: #005f99; --type: #7a4a00; color-scheme: light;`;
const DARK = `--paper: #15181d; --panel: #1d2229; --line: #323a46; --text: #e5e9f0; --quiet: #a7b0be; --link: #79c0ff; --mark: #4a3a10;
  --keyword: #c9a6ff; --string: #7ddcb5; --number: #ffb37a; --comment: #98a3b3; --title: #8cc8ff; --type: #f0cf8a; color-scheme: dark;`;

export const STYLE = `:root { ${LIGHT} }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { ${DARK} } }
:root[data-theme="dark"] { ${DARK} }
* { box-sizing: border-box; }
html { scroll-padding-top: 64px; -webkit-text-size-adjust: 100%; }
@media (prefers-reduced-motion: no-preference) { html { scroll-behavior: smooth; } }
body { margin: 0; background: var(--paper); color: var(--text); font: 17px/1.65 Inter, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  display: grid; grid-template: auto 1fr / 290px minmax(0, 1fr); min-height: 100vh; }
a { color: var(--link); text-underline-offset: 2px; }
a:not(:hover) { text-decoration-thickness: 1px; }
:focus-visible { outline: 3px solid ${COLOURS.memory}; outline-offset: 2px; border-radius: 3px; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 8px; top: 8px; z-index: 20; background: var(--paper); padding: 8px 12px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); margin: 0; }

header { grid-column: 1 / -1; position: sticky; top: 0; z-index: 10; display: flex; gap: 16px; align-items: center; padding: 8px 20px;
  background: var(--paper); border-bottom: 1px solid var(--line); }
header .book { font-weight: 650; color: var(--text); text-decoration: none; white-space: nowrap; }
header button { font: inherit; font-size: 15px; background: var(--panel); color: var(--text); border: 1px solid var(--line); border-radius: 6px; padding: 4px 11px; cursor: pointer; }
#menu { display: none; }
.search { position: relative; flex: 1; max-width: 460px; margin-left: auto; }
.search input { width: 100%; font: inherit; font-size: 15px; padding: 5px 12px; border: 1px solid var(--line); border-radius: 6px; background: var(--panel); color: var(--text); }
.search input::placeholder { color: var(--quiet); opacity: 1; }
#found { position: absolute; right: 0; left: 0; top: 100%; margin: 6px 0 0; padding: 6px; max-height: 70vh; overflow: auto; list-style: none;
  background: var(--paper); border: 1px solid var(--line); border-radius: 8px; box-shadow: 0 8px 30px rgb(0 0 0 / 25%); }
#found li { padding: 6px 10px; border-radius: 5px; cursor: pointer; font-size: 15px; line-height: 1.4; }
#found li[aria-selected="true"], #found li:hover { background: var(--panel); }
#found small { display: block; color: var(--quiet); }
#found strong { font-weight: 600; }

#contents { border-right: 1px solid var(--line); padding: 20px 16px 40px 20px; font-size: 15px; line-height: 1.45; position: sticky; top: 52px; height: calc(100vh - 52px); overflow-y: auto; }
#contents h2 { font-size: 13px; text-transform: uppercase; letter-spacing: .06em; color: var(--quiet); margin: 18px 0 6px; }
#contents ul { list-style: none; margin: 0; padding: 0; }
#contents a { display: block; padding: 4px 8px; border-radius: 5px; color: var(--text); text-decoration: none; }
#contents a:hover { background: var(--panel); }
#contents a[aria-current] { background: var(--panel); font-weight: 600; box-shadow: inset 3px 0 ${COLOURS.compute}; }
#contents .sections { margin: 2px 0 8px 14px; }
#contents .sections a { color: var(--quiet); padding: 2px 8px; font-size: 14px; }

main { padding: 24px clamp(16px, 4vw, 56px) 80px; min-width: 0; }
article { max-width: 1000px; }
article > p, article > ul, article > ol, article > blockquote { max-width: 44em; }
h1 { font-size: 2em; line-height: 1.2; margin: .3em 0 .7em; letter-spacing: -.01em; }
h2 { font-size: 1.4em; line-height: 1.3; margin: 2em 0 .6em; }
h3 { font-size: 1.12em; margin: 1.6em 0 .5em; }
blockquote { margin: 1em 0; padding: 2px 16px; border-left: 4px solid var(--line); color: var(--quiet); }
img { max-width: 100%; height: auto; }
hr { border: 0; border-top: 1px solid var(--line); margin: 2em 0; }
code, pre, kbd, samp { font-family: "JetBrains Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: 14px; }
:not(pre) > code { background: var(--panel); padding: 1px 5px; border-radius: 4px; overflow-wrap: anywhere; }
pre { line-height: 1.5; overflow-x: auto; margin: 0; padding: 12px 16px; tab-size: 2; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 15px; font-variant-numeric: tabular-nums; margin: 0 0 1em; }
th, td { padding: 4px 12px; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
[align="right"] { text-align: right; white-space: nowrap; }
th { font-weight: 600; }
caption { text-align: left; font-weight: 600; padding: 4px 0 8px; }

.cell { margin: 1.2em 0; border: 1px solid var(--line); border-radius: 8px; overflow: hidden; }
.code { position: relative; background: var(--panel); }
.copy { position: absolute; top: 6px; right: 6px; font: 13px/1 inherit; font-family: inherit; padding: 5px 9px; border: 1px solid var(--line); border-radius: 5px; background: var(--paper); color: var(--quiet); cursor: pointer; opacity: 0; }
.code:hover .copy, .copy:focus-visible { opacity: 1; }
article > pre { background: var(--panel); border: 1px solid var(--line); border-radius: 8px; margin: 1em 0; }
.output { border-top: 1px solid var(--line); margin: 0; }
.output:first-child { border-top: 0; }
pre.output { max-height: 640px; overflow: auto; }
.output:is(div) { padding: 12px 16px; }
.output.html > :last-child { margin-bottom: 0; }
.output.html table { margin-bottom: .4em; }
pre.stderr { box-shadow: inset 4px 0 ${COLOURS.memory}; }
pre.error { box-shadow: inset 4px 0 ${COLOURS.switch}; }
/* As high as its chart from the start, the chart over its picture: nothing below moves when it is drawn. */
.plot { padding: 8px; box-sizing: content-box; min-height: var(--height); display: grid; grid-template-columns: minmax(0, 1fr); }
.plot > * { grid-area: 1 / 1; }
.plot > div { height: var(--height); }
.plot img { display: block; margin: auto; border-radius: 4px; }
.missing, .nowhere { color: var(--quiet); }
.katex-block { overflow-x: auto; overflow-y: hidden; padding: 4px 0; }
.katex { font-size: 1.12em; }
.katex-error { color: ${COLOURS.switch}; }

.lessons { list-style: none; padding: 0; display: grid; gap: 14px; max-width: 920px !important; }
.lessons > li { border: 1px solid var(--line); border-radius: 8px; padding: 14px 20px; }
.lessons h3 { margin: 0; font-size: 1.08em; }
.lessons ul { margin: 6px 0 0; padding-left: 1.2em; font-size: 15.5px; line-height: 1.5; color: var(--quiet); }
.download { margin-top: 2.4em; font-size: 15px; }
.neighbours { display: flex; justify-content: space-between; gap: 16px; max-width: 920px; margin-top: 2em; }
.neighbours a { border: 1px solid var(--line); border-radius: 8px; padding: 10px 18px; text-decoration: none; flex: 0 1 45%; }
.neighbours a[rel="next"] { text-align: right; }
.neighbours small { display: block; color: var(--quiet); }

.hljs-keyword, .hljs-operator, .hljs-meta { color: var(--keyword); }
.hljs-string, .hljs-regexp, .hljs-subst { color: var(--string); }
.hljs-number, .hljs-literal { color: var(--number); }
.hljs-comment { color: var(--comment); font-style: italic; }
.hljs-title, .hljs-section, .hljs-attr, .hljs-attribute { color: var(--title); }
.hljs-built_in, .hljs-type, .hljs-class, .hljs-name { color: var(--type); }

@media (max-width: 900px) {
  body { grid-template-columns: minmax(0, 1fr); }
  header { gap: 10px; padding: 8px 14px; }
  header .book { overflow: hidden; text-overflow: ellipsis; }
  #menu { display: block; }
  #contents { display: none; border: 0; height: auto; position: static; }
  #contents.open { display: block; }
  .search { min-width: 8em; }
}
@media (max-width: 560px) { header .book { display: none; } }
@media print {
  header, #contents, .neighbours, .download, .copy { display: none; }
  body { display: block; }
}
`;

/** An array of cells, some computing, some remembering. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="12" fill="#1b2a41"/><g fill="${COLOURS.move}"><rect x="10" y="10" width="12" height="12"/><rect x="26" y="10" width="12" height="12"/><rect x="10" y="26" width="12" height="12"/><rect x="26" y="42" width="12" height="12"/></g><g fill="${COLOURS.memory}"><rect x="42" y="10" width="12" height="12"/><rect x="26" y="26" width="12" height="12"/><rect x="42" y="26" width="12" height="12"/><rect x="10" y="42" width="12" height="12"/><rect x="42" y="42" width="12" height="12"/></g></svg>
`;
