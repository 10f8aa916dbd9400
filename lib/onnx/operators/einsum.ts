// Einsum: sums of products over named axes -> transposes, reductions and matrix products, two operands at a time.
// Axes both operands have are batches if anybody still needs them, and are summed over otherwise.

import { elementCount, shapeText, type Value } from '../model.ts';
import type { NodeView } from '../node-view.ts';
import type { OperatorRules } from '../rule.ts';
import { Chain } from './chain.ts';
import { moveOf } from './move.ts';

/** Labels of each operand's axes and of the result's, one character an axis. */
interface Equation {
  readonly operands: readonly string[];
  readonly result: string;
  readonly sizes: ReadonlyMap<string, number>;
}

/** A value and what its axes are called. */
interface Labelled {
  readonly value: Value;
  readonly labels: string;
}

export const EINSUM: OperatorRules = {
  Einsum: {
    since: 12,
    infer(view) {
      const { result, sizes } = equationOf(view);
      return [{ dtype: view.dtype(0), shape: sizesOf(result, sizes) }];
    },
    lower(view) {
      const { operands, result, sizes } = equationOf(view);
      const chain = new Chain(view);
      const inputs = operands.map((labels, i) => spread(chain, { value: view.value(i), labels }, sizes, `operand${i}`));
      let [left] = inputs as [Labelled];
      for (const [i, right] of inputs.slice(1).entries()) {
        const needed = [result, ...inputs.slice(i + 2).map(({ labels }) => labels)].join('');
        left = multiply(chain, left, right, needed, sizes, `${i}`);
      }
      const summed = sumOver(chain, left, result, 'sum');
      chain.transpose(
        summed.value,
        [...result].map((label) => summed.labels.indexOf(label)),
        { name: 'result', output: 0 },
      );
      return chain.lowering;
    },
  },
};

const ELLIPSIS = '...';
/** Axes behind an ellipsis are called by characters no equation has, counted from the last. */
const FIRST_HIDDEN = 0xe000;

function equationOf(view: NodeView): Equation {
  const text = view.text('equation', '').replaceAll(' ', '');
  const [left = '', right] = text.split('->');
  const terms = left.split(',');
  const shapes = view.values().map(({ shape }) => shape);
  if (terms.length !== shapes.length || shapes.length === 0)
    view.refuse(`its equation '${text}' is for ${terms.length} operands, and it has ${shapes.length}`);
  const sizes = new Map<string, number>();
  let hidden = '';
  const operands = terms.map((term, i) => {
    const shape = shapes[i] ?? [];
    const given = term.replace(ELLIPSIS, '').length;
    const more = Array.from({ length: Math.max(0, shape.length - given) }, (_, k) => String.fromCharCode(FIRST_HIDDEN + k)).reverse();
    const labels = term.includes(ELLIPSIS) ? term.replace(ELLIPSIS, more.join('')) : term;
    if (labels.length !== shape.length)
      view.refuse(`its equation gives operand ${i} ${labels.length} axes; its shape is ${shapeText(shape)}`);
    if (more.length > hidden.length) hidden = more.join('');
    for (const [axis, label] of [...labels].entries()) {
      const [known = 1, size = 1] = [sizes.get(label), shape[axis]];
      if (known !== 1 && size !== 1 && known !== size) view.refuse(`axis '${label}' of its equation has ${known} and ${size} elements`);
      sizes.set(label, Math.max(known, size));
    }
    return labels;
  });
  return { operands, result: right === undefined ? implied(left, hidden) : right.replace(ELLIPSIS, hidden), sizes };
}

/** Without a result given: the ellipsis, then the labels that are there once, in the order of the alphabet. */
function implied(terms: string, hidden: string): string {
  const letters = [...terms].filter((character) => /[A-Za-z]/.test(character));
  return (
    hidden +
    letters
      .filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter))
      .sort()
      .join('')
  );
}

function sizesOf(labels: string, sizes: ReadonlyMap<string, number>): number[] {
  return [...labels].map((label) => sizes.get(label) ?? 1);
}

/** An operand with each label once, and none that is only broadcast. */
function spread(chain: Chain, { value, labels }: Labelled, sizes: ReadonlyMap<string, number>, name: string): Labelled {
  const once = [...new Set(labels)].join('');
  let made = value;
  if (once.length < labels.length) {
    const moved = { value, reach: { kind: 'whole', samples: 1 } } as const;
    const axes = [...once].map((label) => labels.indexOf(label));
    made = chain.add(
      moveOf('diagonal', { axes }, [moved]),
      axes.map((axis) => value.shape[axis] ?? 1),
      { name: `${name}Diagonal` },
    );
  }
  const kept = [...once].filter((label, axis) => made.shape[axis] === sizes.get(label)).join('');
  return { value: chain.reshape(made, sizesOf(kept, sizes), { name }), labels: kept };
}

/** Without the axes nobody needs. */
function sumOver(chain: Chain, { value, labels }: Labelled, needed: string, name: string): Labelled {
  const axes = [...labels].flatMap((label, axis) => (needed.includes(label) ? [] : [axis]));
  if (axes.length === 0) return { value, labels };
  const kept = [...labels].filter((label) => needed.includes(label)).join('');
  const shape = value.shape.filter((_, axis) => !axes.includes(axis));
  const attrs = { function: 'sum', axes, keepDims: false };
  const spec = { body: { kind: 'reduce', attrs }, inputs: [{ value: value.id, reach: { kind: 'along', axes } }] } as const;
  return { value: chain.add(spec, shape, { name }, value.dtype), labels: kept };
}

function multiply(chain: Chain, a: Labelled, b: Labelled, needed: string, sizes: ReadonlyMap<string, number>, name: string): Labelled {
  const left = sumOver(chain, a, b.labels + needed, `left${name}`);
  const right = sumOver(chain, b, a.labels + needed, `right${name}`);
  const both = [...left.labels].filter((label) => right.labels.includes(label));
  const batch = both.filter((label) => needed.includes(label)).join('');
  const inner = both.filter((label) => !needed.includes(label)).join('');
  const rows = [...left.labels].filter((label) => !right.labels.includes(label)).join('');
  const columns = [...right.labels].filter((label) => !left.labels.includes(label)).join('');
  const order = ({ value, labels }: Labelled, wanted: string, side: string): Value =>
    chain.transpose(
      value,
      [...wanted].map((label) => labels.indexOf(label)),
      { name: `${side}Order${name}` },
    );
  const count = (labels: string): number => elementCount(sizesOf(labels, sizes));
  if (inner === '') {
    // Nothing is summed over: element by element, each side broadcast along the other's axes.
    const shape = (own: string): number[] =>
      sizesOf(batch + rows + columns, sizes).map((size, i) => (own.includes((batch + rows + columns)[i] ?? '') ? size : 1));
    const value = chain.join(
      'mul',
      chain.reshape(order(left, batch + rows, 'left'), shape(batch + rows), { name: `leftShape${name}` }),
      chain.reshape(order(right, batch + columns, 'right'), shape(batch + columns), { name: `rightShape${name}` }),
      { name: `product${name}` },
    );
    return { value, labels: batch + rows + columns };
  }
  const product = chain.product(
    {
      left: chain.reshape(order(left, batch + rows + inner, 'left'), [...groups(count(batch)), count(rows), count(inner)], {
        name: `leftShape${name}`,
      }),
      right: chain.reshape(order(right, batch + inner + columns, 'right'), [...groups(count(batch)), count(inner), count(columns)], {
        name: `rightShape${name}`,
      }),
    },
    { name: `product${name}` },
  );
  const labels = batch + rows + columns;
  return { value: chain.reshape(product, sizesOf(labels, sizes), { name: `shape${name}` }), labels };
}

function groups(count: number): number[] {
  return count === 1 ? [] : [count];
}
