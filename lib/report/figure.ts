// Figure: a plotly figure as plain data, shown in notebooks, written as HTML, SVG or PNG.
// Committed and shared notebooks are executed with CIMBOOK_STATIC=1: their outputs carry no scripts.

import { interactiveHtml, plotlyScript } from './interactive.ts';
import type { MimeBundle, PlotConfig, PlotFigure, PlotLayout, PlotTrace } from './plotly.ts';
import { type PictureOptions, renderPng, renderSvg } from './render.ts';
import { DEFAULT_WIDTH, template } from './theme.ts';

/** What notebooks call on the last value of a cell; Deno's kernel uses the same name. */
export const DISPLAY: unique symbol = Symbol.for('Jupyter.display') as never;

/** How every figure behaves: it follows the width of its page and sends nothing anywhere. */
export const PLOT_CONFIG: PlotConfig = {
  responsive: true,
  displaylogo: false,
  typesetMath: false,
  // plotly 4 offers to upload the figure unless told otherwise; what a notebook shows stays with its reader.
  showSendToCloud: false,
  plotlyServerURL: '',
  modeBarButtonsToRemove: ['lasso2d', 'select2d', 'autoScale2d'],
  toImageButtonOptions: { format: 'svg', filename: 'cimbook' },
};

export interface HtmlOptions {
  /** Without <html> and plotly.js, for a page that has both. */
  readonly fragment?: boolean;
  /** Address the page loads plotly.js from; without it all of plotly.js (4.8 MB) stands in the page. */
  readonly plotlyUrl?: string;
}

export class Figure implements PlotFigure {
  readonly data: readonly PlotTrace[];
  readonly layout: PlotLayout;
  readonly config: PlotConfig;

  constructor(data: readonly PlotTrace[], layout: PlotLayout = {}, config: PlotConfig = {}) {
    this.data = data;
    this.layout = { template: template('light'), ...layout };
    this.config = { ...PLOT_CONFIG, ...config };
  }

  /** A page with the interactive figure; needs no network unless `plotlyUrl` is given. */
  toHTML(options: HtmlOptions = {}): string {
    return interactiveHtml(this, { ...options, title: this.toText() });
  }

  /** SVG text, drawn in a child process. */
  toSVG(options: PictureOptions = {}): Promise<string> {
    return renderSvg(this, options);
  }

  /** Bytes of a PNG file, drawn in a child process; width * scale pixels wide, scale 2 unless given. */
  toPNG(options: PictureOptions = {}): Promise<Uint8Array> {
    return renderPng(this, options);
  }

  /** Title and subtitle as text. */
  toText(): string {
    const title = titleOf(this.layout);
    return title === '' ? 'Figure' : `Figure: ${title}`;
  }

  /** MIME bundle: plotly's own, a static picture, HTML that turns the picture into the interactive figure, text. */
  async [DISPLAY](): Promise<MimeBundle> {
    const bundle: Record<string, MimeBundle[string]> = {
      'application/vnd.plotly.v1+json': { data: this.data, layout: this.layout, config: this.config },
    };
    // Without a renderer the interactive figure is still worth showing.
    const png = await renderPng(this).then(toBase64, () => undefined);
    if (png !== undefined) bundle['image/png'] = png;
    if (process.env.CIMBOOK_STATIC !== '1') {
      const width = this.layout.width ?? DEFAULT_WIDTH;
      const picture = png === undefined ? {} : { picture: { png, width } };
      bundle['text/html'] = plotlyOnce() + interactiveHtml(this, { title: this.toText(), fragment: true, ...picture });
    }
    bundle['text/plain'] = this.toText();
    return bundle;
  }
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

let plotlySent = false;

/** plotly.js for the page, the first time it is asked for in a session; later figures find it there. */
function plotlyOnce(): string {
  if (plotlySent) return '';
  plotlySent = true;
  return plotlyScript();
}

function titleOf(layout: PlotLayout): string {
  const { title } = layout;
  if (typeof title === 'string') return unmarked(title);
  if (title === null || typeof title !== 'object' || !('text' in title)) return '';
  const { text, subtitle } = title;
  const below = subtitle !== null && typeof subtitle === 'object' && 'text' in subtitle ? subtitle.text : undefined;
  return [text, below]
    .filter((line) => typeof line === 'string')
    .map(unmarked)
    .join('. ');
}

/** A plotly label without its tags and entities. */
function unmarked(label: string): string {
  return label
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(lt|gt|amp|#36);/g, (_, name: string) => ({ lt: '<', gt: '>', amp: '&', '#36': '$' })[name] ?? '')
    .replace(/ {2,}/g, ' ')
    .trim();
}
