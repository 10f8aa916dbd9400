// Strided: a value as a view of another: which element of the source each of its elements is.
// Each dimension is a product of factors, outermost first; a factor of `size` steps over `stride` elements of the source,
// which lie in row-major order. A stride of 0 repeats. Reshapes regroup factors, transposes move them; nothing is copied.

export interface Factor {
  readonly size: number;
  readonly stride: number;
}

export interface Strided {
  /** The value whose elements these are. */
  readonly source: string;
  readonly dims: readonly (readonly Factor[])[];
}

/** A value as a view of itself. */
export function itself(source: string, shape: readonly number[]): Strided {
  let stride = 1;
  const dims: Factor[][] = shape.map(() => []);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    if (size !== 1) dims[axis] = [{ size, stride }];
    stride *= size;
  }
  return { source, dims };
}

export function shapeOf({ dims }: Strided): number[] {
  return dims.map((factors) => factors.reduce((size, factor) => size * factor.size, 1));
}

export function transposed({ source, dims }: Strided, perm: readonly number[]): Strided {
  return { source, dims: perm.map((axis) => dims[axis] ?? []) };
}

/** Repeated along dimensions of one element, and along new ones in front. */
export function expanded({ source, dims }: Strided, shape: readonly number[]): Strided | undefined {
  const missing = shape.length - dims.length;
  if (missing < 0) return undefined;
  return {
    source,
    dims: shape.map((size, axis) => {
      const own = dims[axis - missing] ?? [];
      return own.length > 0 || size === 1 ? own : [{ size, stride: 0 }];
    }),
  };
}

/** The same elements in the same order under another shape; undefined if that would cut a factor apart. */
export function reshaped({ source, dims }: Strided, shape: readonly number[]): Strided | undefined {
  const rest = merged(dims.flat());
  const result: Factor[][] = [];
  for (const size of shape) {
    const factors: Factor[] = [];
    let open = size;
    while (open > 1) {
      const next = rest.shift();
      if (next === undefined) return undefined;
      if (open % next.size === 0) {
        factors.push(next);
        open /= next.size;
      } else if (next.size % open === 0) {
        const inner = next.size / open;
        factors.push({ size: open, stride: next.stride * inner });
        rest.unshift({ size: inner, stride: next.stride });
        open = 1;
      } else return undefined;
    }
    result.push(factors);
  }
  return rest.length === 0 ? { source, dims: result } : undefined;
}

/** Neighbours that are one run of elements joined. */
export function merged(factors: readonly Factor[]): Factor[] {
  const result: Factor[] = [];
  for (const factor of factors) {
    const last = result.at(-1);
    const joins = last !== undefined && last.stride === factor.size * factor.stride && factor.stride !== 0;
    const repeats = last !== undefined && last.stride === 0 && factor.stride === 0;
    if (last !== undefined && (joins || repeats)) result[result.length - 1] = { size: last.size * factor.size, stride: factor.stride };
    else if (factor.size !== 1) result.push(factor);
  }
  return result;
}

/** Whether the elements are all of the source's, in its order. */
export function isInOrder({ dims }: Strided): boolean {
  const factors = merged(dims.flat());
  return factors.length === 0 || (factors.length === 1 && factors[0]?.stride === 1);
}

/** A text that two views of one source share if they are the same. */
export function keyOf({ source, dims }: Strided): string {
  return JSON.stringify([source, dims.map((factors) => merged(factors).map(({ size, stride }) => [size, stride]))]);
}

/** A text that two views share if they are the same elements in the same order, whatever their shapes. */
export function orderOf({ source, dims }: Strided): string {
  return JSON.stringify([source, merged(dims.flat()).map(({ size, stride }) => [size, stride])]);
}
