// Dimensions that are computed from others: exporters write 'past + sequence' or '2*((n - 1)//2) + 1' where a name could be.
// Text -> the names in it and a function of their sizes; text that is no formula is a name itself.

/** `names`: the symbolic dimensions it needs; `size` of their sizes, NaN where it divides by 0. */
export interface DimensionFormula {
  readonly names: readonly string[];
  readonly size: (sizeOf: (name: string) => number) => number;
}

type Term = (sizeOf: (name: string) => number) => number;

const NAME = /^[A-Za-z_][\w.]*$/;
const TOKEN = /\s*(\/\/|\*\*|\d+|[A-Za-z_][\w.]*|[-+*/(),])/y;
/** Deeper formulas are no dimension's. */
const MOST_TOKENS = 256;

const FUNCTIONS: Readonly<Record<string, (...sizes: number[]) => number>> = {
  max: Math.max,
  min: Math.min,
  floor: Math.floor,
  ceil: Math.ceil,
  ceiling: Math.ceil,
};

/** The formula `text` is, or the name. */
export function dimensionFormula(text: string): DimensionFormula {
  const parsed = NAME.test(text) ? undefined : parse(text);
  return parsed ?? { names: [text], size: (sizeOf) => sizeOf(text) };
}

function parse(text: string): DimensionFormula | undefined {
  const tokens = tokensOf(text);
  if (tokens === undefined) return undefined;
  const names = new Set<string>();
  let at = 0;
  const take = (...wanted: string[]): string | undefined => (wanted.includes(tokens[at] ?? '') ? tokens[at++] : undefined);

  const sum = (): Term | undefined => {
    let left = product();
    for (let sign = take('+', '-'); left !== undefined && sign !== undefined; sign = take('+', '-')) {
      const [a, b, minus] = [left, product(), sign === '-'];
      left = b && ((sizeOf) => a(sizeOf) + (minus ? -b(sizeOf) : b(sizeOf)));
    }
    return left;
  };
  const product = (): Term | undefined => {
    let left = power();
    for (let sign = take('*', '/', '//'); left !== undefined && sign !== undefined; sign = take('*', '/', '//')) {
      const [a, b, by] = [left, power(), sign];
      left =
        b && ((sizeOf) => (by === '*' ? a(sizeOf) * b(sizeOf) : by === '/' ? a(sizeOf) / b(sizeOf) : Math.floor(a(sizeOf) / b(sizeOf))));
    }
    return left;
  };
  const power = (): Term | undefined => {
    const base = factor();
    if (base === undefined || take('**') === undefined) return base;
    const exponent = power();
    return exponent && ((sizeOf) => base(sizeOf) ** exponent(sizeOf));
  };
  const factor = (): Term | undefined => {
    if (take('-') !== undefined) {
      const of = factor();
      return of && ((sizeOf) => -of(sizeOf));
    }
    if (take('(') !== undefined) {
      const inner = sum();
      return take(')') === undefined ? undefined : inner;
    }
    const token = tokens[at++] ?? '';
    if (/^\d/.test(token)) return () => Number(token);
    if (!NAME.test(token)) return undefined;
    if (tokens[at] === '(') return call(token);
    names.add(token);
    return (sizeOf) => sizeOf(token);
  };
  const call = (name: string): Term | undefined => {
    const own = Object.hasOwn(FUNCTIONS, name.toLowerCase()) ? FUNCTIONS[name.toLowerCase()] : undefined;
    take('(');
    const operands: Term[] = [];
    do {
      const operand = sum();
      if (operand === undefined) return undefined;
      operands.push(operand);
    } while (take(',') !== undefined);
    return own === undefined || take(')') === undefined ? undefined : (sizeOf) => own(...operands.map((operand) => operand(sizeOf)));
  };

  const size = sum();
  return size === undefined || at < tokens.length || names.size === 0 ? undefined : { names: [...names], size };
}

function tokensOf(text: string): string[] | undefined {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  const end = text.trimEnd().length;
  while (TOKEN.lastIndex < end) {
    const [, token] = TOKEN.exec(text) ?? [];
    if (token === undefined || tokens.length >= MOST_TOKENS) return undefined;
    tokens.push(token);
  }
  return tokens;
}
