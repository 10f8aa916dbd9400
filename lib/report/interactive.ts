// Interactive: HTML around a plotly figure. Where scripts run, a plain script draws the figure with
// window.Plotly in place of the static picture; where they don't, the picture stays.

import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { escapeHtml, scriptLiteral } from './html.ts';
import type { PlotFigure } from './plotly.ts';
import { DEFAULT_HEIGHT, template } from './theme.ts';

export interface InteractiveOptions {
  readonly title: string;
  readonly fragment?: boolean;
  readonly plotlyUrl?: string;
  /** Shown until, or instead of, the interactive figure; base64, `width` in pixels. */
  readonly picture?: { readonly png: string; readonly width: number };
}

/** HTML of a figure: a page, or with `fragment` an element and its script. */
export function interactiveHtml(figure: PlotFigure, options: InteractiveOptions): string {
  const { data, layout, config } = figure;
  const spec = scriptLiteral({ data, layout, config });
  const key = createHash('sha256').update(spec).digest('hex').slice(0, 16);
  const { picture } = options;
  const image =
    picture === undefined
      ? ''
      : `<img alt="${escapeHtml(options.title)}" src="data:image/png;base64,${picture.png}" style="width: ${picture.width}px; max-width: 100%; height: auto;">`;
  const height = layout.height ?? DEFAULT_HEIGHT;
  const element =
    `<div data-cimbook-figure="${key}" style="min-height: ${picture === undefined ? height : 0}px;">${image}</div>\n` +
    `<script>(${DRAW})(${scriptLiteral(key)}, ${spec}, ${scriptLiteral(template('dark'))}, ${height});</script>\n`;
  if (options.fragment) return element;
  const plotly = options.plotlyUrl === undefined ? plotlyScript() : `<script src="${escapeHtml(options.plotlyUrl)}"></script>\n`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escapeHtml(options.title)}</title>
<style>
body { margin: 0 auto; padding: 16px; max-width: 1200px; background: #ffffff; }
@media (prefers-color-scheme: dark) { body { background: #15181d; } }
</style>
</head>
<body>
${plotly}${element}</body>
</html>
`;
}

/** A <script> element with all of plotly.js, loaded as window.Plotly whatever module system the page has. */
export function plotlyScript(): string {
  const path = createRequire(import.meta.url).resolve('plotly.js-dist-min/plotly.min.js');
  const code = readFileSync(path, 'utf8').replaceAll('<!--', '<\\!--').replaceAll('</script', '<\\/script');
  return `<script>(function (module, exports, define) {\n${code}\n})();</script>\n`;
}

// Runs in the page, so it is plain, old JavaScript. Notebooks attach an output's elements late and in any
// order, so the script waits for both its element and plotly. A dark page gets the dark template.
const DRAW = String.raw`function (key, spec, dark, height) {
  var started = Date.now();
  function isDark(node) {
    for (; node && node !== document; node = node.parentNode || node.host) {
      if (!(node instanceof Element)) continue;
      var parts = (getComputedStyle(node).backgroundColor.match(/[\d.]+/g) || []).map(Number);
      if (parts.length === 3 || parts[3] > 0.5) return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 110;
    }
    return false;
  }
  function attempt() {
    var holders = document.querySelectorAll('[data-cimbook-figure="' + key + '"]:not([data-drawn])');
    if (!holders.length || !window.Plotly || !window.Plotly.newPlot) {
      if (Date.now() - started < 60000) setTimeout(attempt, 100);
      return;
    }
    Array.prototype.forEach.call(holders, function (holder) {
      holder.setAttribute('data-drawn', '');
      var layout = Object.assign({}, spec.layout);
      if (isDark(holder)) layout.template = dark;
      var plot = document.createElement('div');
      plot.style.width = '100%';
      plot.style.height = height + 'px';
      holder.appendChild(plot);
      window.Plotly.newPlot(plot, JSON.parse(JSON.stringify(spec.data)), JSON.parse(JSON.stringify(layout)), spec.config).then(
        function () {
          holder.querySelectorAll(':scope > img').forEach(function (image) { image.remove(); });
        },
        function () { plot.remove(); }
      );
    });
  }
  attempt();
}`;
