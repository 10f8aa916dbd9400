// Font: advance widths of a TrueType file, so that labels are given the room they will really take.
// Tables head, hhea, hmtx and cmap of the OpenType specification; kerning is left out (it only narrows).

export interface Font {
  /** Above and below the base line, in em. */
  readonly ascent: number;
  readonly descent: number;
  /** Width of a text in em. */
  readonly widthOf: (text: string) => number;
}

/** Em that a character without a glyph takes; East Asian characters are as wide as high. */
const MISSING_WIDTH = 1;

/** Metrics of a TrueType font file's bytes. */
export function readFont(bytes: Uint8Array): Font {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tables = new Map<string, number>();
  for (let i = 0; i < view.getUint16(4); i++) {
    const record = 12 + i * 16;
    tables.set(String.fromCharCode(...bytes.subarray(record, record + 4)), view.getUint32(record + 8));
  }
  const offset = (tag: string): number => {
    const found = tables.get(tag);
    if (found === undefined) throw new Error(`internal: the font has no table '${tag}'`);
    return found;
  };
  const unitsPerEm = view.getUint16(offset('head') + 18);
  const hhea = offset('hhea');
  const hmtx = offset('hmtx');
  const metricCount = view.getUint16(hhea + 34);
  const advances = new Float64Array(metricCount);
  for (let glyph = 0; glyph < metricCount; glyph++) advances[glyph] = view.getUint16(hmtx + glyph * 4) / unitsPerEm;
  const glyphOf = readCmap(view, offset('cmap'));
  return {
    ascent: view.getInt16(hhea + 4) / unitsPerEm,
    descent: -view.getInt16(hhea + 6) / unitsPerEm,
    widthOf: (text) => {
      let width = 0;
      for (const character of text) {
        const glyph = glyphOf.get(character.codePointAt(0)!);
        width += glyph === undefined ? MISSING_WIDTH : advances[Math.min(glyph, metricCount - 1)]!;
      }
      return width;
    },
  };
}

/** Glyphs by code point, from the Unicode subtables of formats 4 and 12. */
function readCmap(view: DataView, cmap: number): ReadonlyMap<number, number> {
  const glyphs = new Map<number, number>();
  for (let i = 0; i < view.getUint16(cmap + 2); i++) {
    const subtable = cmap + view.getUint32(cmap + 4 + i * 8 + 4);
    const format = view.getUint16(subtable);
    if (format === 4) readFormat4(view, subtable, glyphs);
    if (format === 12) readFormat12(view, subtable, glyphs);
  }
  return glyphs;
}

function readFormat4(view: DataView, subtable: number, glyphs: Map<number, number>): void {
  const segmentBytes = view.getUint16(subtable + 6);
  const ends = subtable + 14;
  const starts = ends + segmentBytes + 2;
  const deltas = starts + segmentBytes;
  const rangeOffsets = deltas + segmentBytes;
  for (let segment = 0; segment < segmentBytes; segment += 2) {
    const delta = view.getUint16(deltas + segment);
    const rangeOffset = view.getUint16(rangeOffsets + segment);
    const start = view.getUint16(starts + segment);
    for (let code = start; code <= view.getUint16(ends + segment) && code < 0xffff; code++) {
      const stored = rangeOffset === 0 ? code : view.getUint16(rangeOffsets + segment + rangeOffset + (code - start) * 2);
      const glyph = stored === 0 ? 0 : (stored + delta) & 0xffff;
      if (glyph !== 0) glyphs.set(code, glyph);
    }
  }
}

function readFormat12(view: DataView, subtable: number, glyphs: Map<number, number>): void {
  for (let group = 0; group < view.getUint32(subtable + 12); group++) {
    const record = subtable + 16 + group * 12;
    const start = view.getUint32(record);
    const first = view.getUint32(record + 8);
    for (let code = start; code <= view.getUint32(record + 4); code++) glyphs.set(code, first + code - start);
  }
}
