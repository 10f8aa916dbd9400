// Geometry: what a browser's layout would answer when plotly asks how large something is.
// jsdom has no layout; boxes follow from SVG attributes, transforms and the metrics of the font.

import type { DomBox, DomElement } from './dom.ts';
import type { Font } from './font.ts';

export interface Fonts {
  readonly regular: Font;
  readonly bold: Font;
}

/** left, top, right, bottom. */
type Box = readonly [number, number, number, number];
/** a b c d e f of an SVG matrix. */
type Matrix = readonly [number, number, number, number, number, number];

const IDENTITY: Matrix = [1, 0, 0, 1, 0, 0];
const DEFAULT_FONT_SIZE = 13;
const BOLD_FROM = 550;
const ELEMENT_NODE = 1;
const TEXT_NODE = 3;

/** Box of an element in its own coordinates, its own transform left out (getBBox). */
export function localBox(element: DomElement, fonts: Fonts): DomBox {
  return rectangle(contentBox(element, fonts));
}

/** Box of an element in the coordinates of its outermost <svg> (getBoundingClientRect). */
export function pageBox(element: DomElement, fonts: Fonts): DomBox {
  const box = contentBox(element, fonts);
  if (box === undefined) return rectangle(undefined);
  let matrix = IDENTITY;
  for (let at: DomElement | null = element; at !== null; at = at.parentElement) matrix = multiply(matrixOf(at), matrix);
  return rectangle(transformed(box, matrix));
}

/** Length of a text element in pixels, its pieces of other size or weight included (getComputedTextLength). */
export function textLength(element: DomElement, fonts: Fonts): number {
  let length = 0;
  for (const node of element.childNodes) {
    if (node.nodeType === ELEMENT_NODE) length += textLength(node as DomElement, fonts);
    if (node.nodeType !== TEXT_NODE) continue;
    const font = weightOf(element) >= BOLD_FROM ? fonts.bold : fonts.regular;
    length += font.widthOf(node.textContent ?? '') * fontSizeOf(element);
  }
  return length;
}

function contentBox(element: DomElement, fonts: Fonts): Box | undefined {
  switch (element.tagName.toLowerCase()) {
    case 'text':
      return textBox(element, fonts);
    case 'rect':
    case 'image': {
      const [x, y] = [numberOf(element, 'x'), numberOf(element, 'y')];
      return [x, y, x + numberOf(element, 'width'), y + numberOf(element, 'height')];
    }
    case 'circle': {
      const [x, y, r] = [numberOf(element, 'cx'), numberOf(element, 'cy'), numberOf(element, 'r')];
      return [x - r, y - r, x + r, y + r];
    }
    case 'path':
      return pathBox(element.getAttribute('d') ?? '');
    case 'defs':
    case 'clippath':
      return undefined;
    case 'svg':
    case 'g':
    case 'a':
      return union([...element.children].map((child) => childBox(child, fonts)));
    default:
      return undefined;
  }
}

function childBox(child: DomElement, fonts: Fonts): Box | undefined {
  const box = contentBox(child, fonts);
  return box === undefined ? undefined : transformed(box, matrixOf(child));
}

function textBox(element: DomElement, fonts: Fonts): Box | undefined {
  const lines = [...element.children].filter((child) => child.getAttribute('class') === 'line');
  const size = fontSizeOf(element);
  const boxes = (lines.length > 0 ? lines : [element]).map((line): Box | undefined => {
    const width = textLength(line, fonts);
    if (width === 0) return undefined;
    const x = numberOf(line, 'x', numberOf(element, 'x'));
    const y = numberOf(line, 'y', numberOf(element, 'y')) + lengthOf(line.getAttribute('dy'), size);
    const anchor = styleOf(element, 'text-anchor') ?? element.getAttribute('text-anchor') ?? 'start';
    const left = anchor === 'middle' ? x - width / 2 : anchor === 'end' ? x - width : x;
    return [left, y - fonts.regular.ascent * size, left + width, y + fonts.regular.descent * size];
  });
  return union(boxes);
}

function fontSizeOf(element: DomElement | null): number {
  if (element === null) return DEFAULT_FONT_SIZE;
  const size = styleOf(element, 'font-size');
  if (size === undefined) return fontSizeOf(element.parentElement);
  return size.endsWith('px') ? Number.parseFloat(size) : lengthOf(size, fontSizeOf(element.parentElement));
}

function weightOf(element: DomElement | null): number {
  if (element === null) return 400;
  const weight = styleOf(element, 'font-weight');
  if (weight === undefined || weight === 'inherit') return weightOf(element.parentElement);
  return weight === 'bold' ? 700 : weight === 'normal' ? 400 : Number(weight);
}

/** A property of the style attribute; the attribute's text is read because jsdom's parser is slow. */
function styleOf(element: DomElement, property: string): string | undefined {
  const style = element.getAttribute('style');
  const found = style?.match(new RegExp(`(?:^|;)\\s*${property}:\\s*([^;]+)`));
  return found?.[1]?.trim();
}

function numberOf(element: DomElement, name: string, absent = 0): number {
  const value = Number.parseFloat(element.getAttribute(name) ?? '');
  return Number.isNaN(value) ? absent : value;
}

/** '1.3em', '70%' or '12px' in pixels. */
function lengthOf(length: string | null, fontSize: number): number {
  if (length === null) return 0;
  const value = Number.parseFloat(length);
  if (Number.isNaN(value)) return 0;
  return length.endsWith('em') ? value * fontSize : length.endsWith('%') ? (value / 100) * fontSize : value;
}

/** Box of the points of a path, control points included; arcs by their ends. */
function pathBox(path: string): Box | undefined {
  let [x, y] = [0, 0];
  let box: Box | undefined;
  const visit = (nextX: number, nextY: number): void => {
    [x, y] = [nextX, nextY];
    box = union([box, [x, y, x, y]]);
  };
  for (const [, command = '', parameters = ''] of path.matchAll(/([a-zA-Z])([^a-zA-Z]*)/g)) {
    const relative = command === command.toLowerCase();
    const values = (parameters.match(/-?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?/gi) ?? []).map(Number);
    const [baseX, baseY] = relative ? [x, y] : [0, 0];
    switch (command.toLowerCase()) {
      case 'h':
        for (const value of values) visit((relative ? x : 0) + value, y);
        break;
      case 'v':
        for (const value of values) visit(x, (relative ? y : 0) + value);
        break;
      case 'a':
        for (let i = 0; i + 6 < values.length; i += 7) visit(baseX + values[i + 5]!, baseY + values[i + 6]!);
        break;
      case 'l':
      case 'm':
        for (let i = 0; i + 1 < values.length; i += 2) visit((relative ? x : 0) + values[i]!, (relative ? y : 0) + values[i + 1]!);
        break;
      case 'c':
      case 'q':
      case 's':
      case 't':
        for (let i = 0; i + 1 < values.length; i += 2) visit(baseX + values[i]!, baseY + values[i + 1]!);
        break;
      default:
    }
  }
  return box;
}

function matrixOf(element: DomElement): Matrix {
  let matrix = IDENTITY;
  for (const [, name = '', parameters = ''] of (element.getAttribute('transform') ?? '').matchAll(/(\w+)\s*\(([^)]*)\)/g)) {
    const v = parameters
      .split(/[\s,]+/)
      .filter((text) => text !== '')
      .map(Number.parseFloat);
    matrix = multiply(matrix, transformOf(name, v));
  }
  return matrix;
}

function transformOf(name: string, v: readonly number[]): Matrix {
  switch (name) {
    case 'translate':
      return [1, 0, 0, 1, v[0] ?? 0, v[1] ?? 0];
    case 'scale':
      return [v[0] ?? 1, 0, 0, v[1] ?? v[0] ?? 1, 0, 0];
    case 'rotate': {
      const angle = ((v[0] ?? 0) * Math.PI) / 180;
      const turn: Matrix = [Math.cos(angle), Math.sin(angle), -Math.sin(angle), Math.cos(angle), 0, 0];
      const [x, y] = [v[1] ?? 0, v[2] ?? 0];
      return multiply(multiply([1, 0, 0, 1, x, y], turn), [1, 0, 0, 1, -x, -y]);
    }
    case 'matrix':
      return [v[0] ?? 1, v[1] ?? 0, v[2] ?? 0, v[3] ?? 1, v[4] ?? 0, v[5] ?? 0];
    default:
      return IDENTITY;
  }
}

function multiply(p: Matrix, q: Matrix): Matrix {
  return [
    p[0] * q[0] + p[2] * q[1],
    p[1] * q[0] + p[3] * q[1],
    p[0] * q[2] + p[2] * q[3],
    p[1] * q[2] + p[3] * q[3],
    p[0] * q[4] + p[2] * q[5] + p[4],
    p[1] * q[4] + p[3] * q[5] + p[5],
  ];
}

function transformed([left, top, right, bottom]: Box, m: Matrix): Box {
  const corners = [
    [left, top],
    [right, top],
    [left, bottom],
    [right, bottom],
  ] as const;
  const xs = corners.map(([x, y]) => m[0] * x + m[2] * y + m[4]);
  const ys = corners.map(([x, y]) => m[1] * x + m[3] * y + m[5]);
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}

function union(boxes: readonly (Box | undefined)[]): Box | undefined {
  let all: Box | undefined;
  for (const box of boxes) {
    if (box === undefined) continue;
    all =
      all === undefined ? box : [Math.min(all[0], box[0]), Math.min(all[1], box[1]), Math.max(all[2], box[2]), Math.max(all[3], box[3])];
  }
  return all;
}

function rectangle(box: Box | undefined): DomBox {
  const [left, top, right, bottom] = box ?? [0, 0, 0, 0];
  const plain = { x: left, y: top, left, top, right, bottom, width: right - left, height: bottom - top };
  return { ...plain, toJSON: () => plain };
}
