// Floating-point formats of 16 bits and less: bit patterns -> numbers, by a table for each format.
// Source: onnx.proto3 of onnx 1.23, onnx.ai/onnx/technical/float8.html and float4.html.

interface Format {
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  /** What the largest exponent means; `fnuz` has one pattern that is no number: minus zero. */
  readonly special: 'infinite' | 'fn' | 'fnuz' | 'none';
}

/** By the name of the element type in TensorProto.DataType. */
const FORMATS: Readonly<Record<string, Format>> = {
  float16: { exponentBits: 5, fractionBits: 10, bias: 15, special: 'infinite' },
  bfloat16: { exponentBits: 8, fractionBits: 7, bias: 127, special: 'infinite' },
  float8e4m3fn: { exponentBits: 4, fractionBits: 3, bias: 7, special: 'fn' },
  float8e4m3fnuz: { exponentBits: 4, fractionBits: 3, bias: 8, special: 'fnuz' },
  float8e5m2: { exponentBits: 5, fractionBits: 2, bias: 15, special: 'infinite' },
  float8e5m2fnuz: { exponentBits: 5, fractionBits: 2, bias: 16, special: 'fnuz' },
  float4e2m1: { exponentBits: 2, fractionBits: 1, bias: 1, special: 'none' },
};

const tables = new Map<string, Float32Array>();

/** Number of each bit pattern of a format; undefined if it is none of those above. All are exact in 32 bits. */
export function smallFloats(name: string): Float32Array | undefined {
  const known = tables.get(name);
  if (known !== undefined) return known;
  const format = FORMATS[name];
  // Powers of two alone: no sign, no fraction, no zero.
  if (format === undefined && name !== 'float8e8m0') return undefined;
  const table =
    format === undefined
      ? Float32Array.from({ length: 256 }, (_, bits) => (bits === 255 ? Number.NaN : 2 ** (bits - 127)))
      : Float32Array.from({ length: 2 ** (1 + format.exponentBits + format.fractionBits) }, (_, bits) => numberOf(bits, format));
  tables.set(name, table);
  return table;
}

function numberOf(bits: number, { exponentBits, fractionBits, bias, special }: Format): number {
  const half = 2 ** (exponentBits + fractionBits);
  const sign = bits >= half ? -1 : 1;
  const magnitude = bits % half;
  const exponent = Math.floor(magnitude / 2 ** fractionBits);
  const fraction = magnitude % 2 ** fractionBits;
  if (special === 'infinite' && exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if ((special === 'fn' && magnitude === half - 1) || (special === 'fnuz' && bits === half)) return Number.NaN;
  const subnormal = exponent === 0;
  return (sign * ((subnormal ? 0 : 2 ** fractionBits) + fraction) * 2 ** ((subnormal ? 1 : exponent) - bias)) / 2 ** fractionBits;
}
