// Steps of the reference that depend on where an element is: rotary position embeddings and causal masks.

import { type Dense, strides } from './dense.ts';

/**
 * `x` turned: pairs of a head's features by the angle whose cosine and sine the tables have. Parameters: heads side by side in
 * the last axis, features turned (0 for all), 1 if pairs are neighbours, axis of the tokens (the last but one). Tables have a row for each token, of as many columns
 * as the head or half as many; or rows that `positions` choose: one number a token, or the first token's.
 */
export function rotate(x: Dense, parameters: readonly number[], [cosines, sines, positions]: readonly Dense[]): Float64Array | undefined {
  const { shape, data } = x;
  const [heads = 1, turned = 0, interleaved = 0, tokenAxis = shape.length - 2] = parameters;
  if (cosines === undefined || sines === undefined || shape.length < 3) return undefined;
  const size = shape.at(-1)! / heads;
  const width = turned || size;
  const [batches, tokens] = [shape[0]!, shape[tokenAxis]!];
  const columns = cosines.shape.at(-1)!;
  const rows = cosines.shape.at(-2) ?? 1;
  const rowOf = (batch: number, token: number): number => {
    if (positions !== undefined)
      return positions.data.length === batches * tokens ? positions.data[batch * tokens + token]! : positions.data[0]! + token;
    const first = cosines.data.length / columns > rows ? batch * rows : 0;
    return first + (rows === 1 ? 0 : token);
  };
  const own = strides(shape);
  return data.map((value, index) => {
    const feature = (index % shape.at(-1)!) % size;
    if (feature >= width) return value;
    const pair = interleaved ? Math.floor(feature / 2) : feature % (width / 2);
    const isFirst = interleaved ? feature % 2 === 0 : feature < width / 2;
    const partner = data[index + (isFirst ? 1 : -1) * (interleaved ? 1 : width / 2)]!;
    const batch = Math.floor(index / own[0]!);
    const token = Math.floor(index / own[tokenAxis]!) % tokens;
    const place = rowOf(batch, token) * columns + (columns === width ? feature : pair);
    return value * cosines.data[place]! + (isFirst ? -partner : partner) * sines.data[place]!;
  });
}

/** Scores of query i for key j stay if j <= i + offset and, unless `left` is negative, j >= i + offset - left. */
export function maskCausally({ shape, data }: Dense, [offset = 0, left = -1]: readonly number[]): Float64Array {
  const [queries, keys] = [shape.at(-2)!, shape.at(-1)!];
  return data.map((value, index) => {
    const [key, latest] = [index % keys, (Math.floor(index / keys) % queries) + offset];
    return key <= latest && (left < 0 || key >= latest - left) ? value : Number.NEGATIVE_INFINITY;
  });
}
