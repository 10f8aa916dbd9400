// Page: plotly.js in jsdom, with stand-ins for what jsdom lacks: layout and canvas.
// Figure -> SVG text. Lives in the renderer's process only: loading takes a second and 300 MB.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { PlotFigure } from '../plotly.ts';
import { Surface } from './canvas.ts';
import type { DomBox, DomElement } from './dom.ts';
import { readFont } from './font.ts';
import { type Fonts, localBox, pageBox, textLength } from './geometry.ts';

interface Plotly {
  toImage(figure: object, options: { format: 'svg'; imageDataOnly: true; width: number; height: number }): Promise<string>;
}

interface Canvas {
  readonly width: number;
  readonly height: number;
  surface?: Surface;
}

/** The window of jsdom, as far as it is touched here. */
interface Window {
  readonly Plotly: Plotly;
  readonly Element: { prototype: { getBoundingClientRect(this: DomElement): DomBox } };
  readonly SVGElement: { prototype: { getBBox(this: DomElement): DomBox; getComputedTextLength(this: DomElement): number } };
  readonly HTMLCanvasElement: { prototype: { getContext(this: Canvas, kind: string): Surface | null; toDataURL(this: Canvas): string } };
  readonly URL: { createObjectURL(): string };
  TextDecoder: typeof TextDecoder;
  TextEncoder: typeof TextEncoder;
  eval(code: string): void;
}

interface Jsdom {
  readonly JSDOM: new (html: string, options: object) => { readonly window: Window };
  readonly VirtualConsole: new () => object;
}

const require = createRequire(import.meta.url);

/** The font every static picture is set in: Inter, regular and semi-bold (SIL Open Font License 1.1). */
export function fontFiles(): { readonly regular: Buffer; readonly bold: Buffer } {
  return {
    regular: readFileSync(require.resolve('@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf')),
    bold: readFileSync(require.resolve('@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf')),
  };
}

/** A function that draws figures as SVG, `width` x `height` pixels. */
export function openPage(): (figure: PlotFigure, width: number, height: number) => Promise<string> {
  const { JSDOM, VirtualConsole } = require('jsdom') as Jsdom;
  const { window } = new JSDOM('<!doctype html><body></body>', {
    runScripts: 'outside-only',
    pretendToBeVisual: true,
    virtualConsole: new VirtualConsole(),
  });
  const files = fontFiles();
  installStandIns(window, { regular: readFont(files.regular), bold: readFont(files.bold) });
  window.eval(readFileSync(require.resolve('plotly.js-dist-min/plotly.min.js'), 'utf8'));
  return async (figure, width, height) => {
    const plain = structuredClone({ data: figure.data, layout: figure.layout, config: { ...figure.config, staticPlot: true } });
    const svg = await window.Plotly.toImage(plain, { format: 'svg', imageDataOnly: true, width, height });
    // SVG 1.1's word for it, which the rasteriser knows: cells of a heatmap keep sharp edges when enlarged.
    return svg.replaceAll('image-rendering: pixelated;', '').replaceAll('<image ', '<image image-rendering="optimizeSpeed" ');
  };
}

function installStandIns(window: Window, fonts: Fonts): void {
  window.TextDecoder = TextDecoder;
  window.TextEncoder = TextEncoder;
  window.URL.createObjectURL = () => '';
  window.Element.prototype.getBoundingClientRect = function () {
    return pageBox(this, fonts);
  };
  window.SVGElement.prototype.getBBox = function () {
    return localBox(this, fonts);
  };
  window.SVGElement.prototype.getComputedTextLength = function () {
    return textLength(this, fonts);
  };
  window.HTMLCanvasElement.prototype.getContext = function (kind) {
    if (kind !== '2d') return null;
    if (this.surface === undefined) this.surface = new Surface(this.width, this.height);
    return this.surface;
  };
  window.HTMLCanvasElement.prototype.toDataURL = function () {
    return (this.surface ?? new Surface(this.width, this.height)).toDataUrl();
  };
}
