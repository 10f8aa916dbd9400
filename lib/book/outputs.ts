// Outputs: what a cell showed, as HTML of the book. Figures become a picture that the page's script makes interactive.

import { escapeHtml, scriptLiteral } from '../report/html.ts';
import type { Json, JsonObject } from '../report/plotly.ts';
import { DEFAULT_HEIGHT } from '../report/theme.ts';
import { type MarkdownContext, renderLatex, renderMarkdown } from './markdown.ts';
import type { Output } from './notebook.ts';
import { sanitiseHtml } from './sanitise.ts';

const PLOTLY = 'application/vnd.plotly.v1+json';

/** Outputs of one cell; `figureName` gives the page's next figure a name. */
export function renderOutputs(outputs: readonly Output[], context: MarkdownContext, figureName: () => string): string {
  return outputs.map((output) => renderOutput(output, context, figureName)).join('\n');
}

function renderOutput(output: Output, context: MarkdownContext, figureName: () => string): string {
  switch (output.kind) {
    case 'stream':
      return textBlock(output.text, output.name === 'stderr' ? 'stderr' : 'stdout');
    case 'error':
      return textBlock(output.traceback || `${output.name}: ${output.message}`, 'error');
    case 'data':
      return renderData(output.data, context, figureName);
  }
}

/** The richest kind that the book can show. */
function renderData(data: Readonly<Record<string, Json>>, context: MarkdownContext, figureName: () => string): string {
  const text = String(data['text/plain'] ?? '');
  const figure = data[PLOTLY];
  const picture = pictureOf(data, text);
  if (isFigure(figure)) return renderFigure(figure, text, picture, figureName());
  if (typeof data['text/html'] === 'string') {
    const html = sanitiseHtml(data['text/html']);
    if (html.trim() !== '') return `<div class="output html wide" tabindex="0" role="region" aria-label="Output">${html}</div>`;
  }
  if (picture !== undefined) return `<div class="output">${picture}</div>`;
  if (typeof data['text/latex'] === 'string') return `<div class="output formula">${renderLatex(data['text/latex'])}</div>`;
  if (typeof data['text/markdown'] === 'string') return `<div class="output">${renderMarkdown(data['text/markdown'], context).html}</div>`;
  return text === '' ? '' : textBlock(text, 'result');
}

/** A picture file inside the page; an SVG shown as a picture runs no scripts. */
function pictureOf(data: Readonly<Record<string, Json>>, text: string): string | undefined {
  const alt = escapeHtml(text || 'Picture');
  for (const type of ['image/png', 'image/jpeg', 'image/svg+xml'] as const) {
    const content = data[type];
    if (typeof content !== 'string') continue;
    const base64 = type === 'image/svg+xml' ? Buffer.from(content).toString('base64') : content.replace(/[^A-Za-z0-9+/=]/g, '');
    return `<img alt="${alt}" loading="lazy" src="data:${type};base64,${base64}">`;
  }
  return undefined;
}

function renderFigure(figure: JsonObject, text: string, picture: string | undefined, name: string): string {
  const layout = (isObject(figure.layout) ? figure.layout : {}) as JsonObject;
  const height = typeof layout.height === 'number' ? layout.height : DEFAULT_HEIGHT;
  const still = picture ?? `<p>${escapeHtml(text || 'Figure')}</p>`;
  // A block of data, not a script: nothing in it is run. The look is the page's own, so the template stays out.
  const { template: _template, ...rest } = layout;
  return [
    `<figure class="output plot" id="${name}" style="--height:${Math.max(100, Math.min(4000, height))}px" aria-label="${escapeHtml(text || 'Figure')}">${still}</figure>`,
    `<script type="application/json" data-figure="${name}">${scriptLiteral({ data: figure.data, layout: rest })}</script>`,
  ].join('\n');
}

function isFigure(value: Json | undefined): value is JsonObject {
  return isObject(value) && Array.isArray(value.data);
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textBlock(text: string, kind: string): string {
  return `<pre class="output ${kind}" tabindex="0">${escapeHtml(text.replace(/\n$/, ''))}</pre>`;
}
