// The little of plotly's types that our figures need: a figure is JSON, its attributes are plotly's.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/** Kinds of plotly traces that are drawn without WebGL, so on screen and on paper alike. */
export const DRAWABLE_TYPES = [
  'bar',
  'box',
  'contour',
  'funnel',
  'heatmap',
  'histogram',
  'histogram2d',
  'icicle',
  'pie',
  'sankey',
  'scatter',
  'scatterpolar',
  'sunburst',
  'treemap',
  'violin',
  'waterfall',
] as const;
export type DrawableType = (typeof DRAWABLE_TYPES)[number];

/** One plotly trace; `type` may also name a kind that only a browser draws, such as 'scatter3d'. */
export interface PlotTrace extends JsonObject {
  readonly type: DrawableType | (string & { readonly browserOnly?: true });
  readonly name?: string;
}

/** Plotly's layout; `height` in pixels is taken for screen and paper, the width follows the page. */
export interface PlotLayout extends JsonObject {
  readonly height?: number;
  readonly width?: number;
}

export type PlotConfig = JsonObject;

/** A figure as plotly and `application/vnd.plotly.v1+json` know it. */
export interface PlotFigure {
  readonly data: readonly PlotTrace[];
  readonly layout: PlotLayout;
  readonly config: PlotConfig;
}

/** Pictures and texts of one value by MIME type, as Jupyter shows them. */
export type MimeBundle = Readonly<Record<string, Json>>;
