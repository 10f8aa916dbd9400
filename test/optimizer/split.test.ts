// Cutting operators that are larger than the chip.

import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { MatrixShape } from '../../lib/base/shapes.ts';
import type { Hardware } from '../../lib/hardware/hardware.ts';
import { tileGrid } from '../../lib/hardware/tile.ts';
import type { MatrixOperator } from '../../lib/ir/graph.ts';
import { type CutPiece, splitOperator } from '../../lib/optimizer/split.ts';
import { smallChip } from '../support/chips.ts';
import { problemsOf } from '../support/problems.ts';

const SEED = { seed: 20251, numRuns: 1500 };

function operator(matrix: MatrixShape): MatrixOperator {
  return {
    id: 'op',
    kind: 'matMul',
    onnxType: 'MatMul',
    inputs: [],
    output: 'out',
    epilogue: [],
    attrs: { matrix, weight: 'w', transposeWeight: false, dynamic: false },
  };
}

function split(matrix: MatrixShape, chip: Hardware, most: number): readonly CutPiece[] {
  return splitOperator(operator(matrix), chip, most);
}

/** Weights [output, inner] covered, counted cell by cell in output x inner blocks. */
function area({ piece: { outputs, inner } }: CutPiece): number {
  return (outputs.to - outputs.from) * (inner.to - inner.from);
}

function overlap(a: CutPiece, b: CutPiece): boolean {
  const meets = (x: { from: number; to: number }, y: { from: number; to: number }): boolean => x.from < y.to && y.from < x.to;
  return meets(a.piece.outputs, b.piece.outputs) && meets(a.piece.inner, b.piece.inner);
}

const CASE = fc.record({
  shape: fc.record({
    m: fc.integer({ min: 1, max: 9 }),
    n: fc.integer({ min: 1, max: 300 }),
    k: fc.integer({ min: 1, max: 200 }),
    groups: fc.oneof(fc.constant(1), fc.integer({ min: 2, max: 40 })),
  }),
  tileRows: fc.integer({ min: 1, max: 40 }),
  tileColumns: fc.integer({ min: 1, max: 40 }),
  most: fc.integer({ min: 1, max: 30 }),
});

test('pieces are disjoint, complete and within the limit, for any shape and chip', () => {
  fc.assert(
    fc.property(CASE, ({ shape, tileRows, tileColumns, most }) => {
      const chip = smallChip({ tileRows, tileColumns });
      const pieces = split(shape, chip, most);
      assert.is(
        pieces.reduce((sum, piece) => sum + area(piece), 0),
        shape.n * shape.k * shape.groups,
      );
      const byOutput = [...pieces].sort((a, b) => a.piece.outputs.from - b.piece.outputs.from || a.piece.inner.from - b.piece.inner.from);
      for (const [i, piece] of byOutput.entries()) {
        const next = byOutput[i + 1];
        if (next !== undefined) assert.not(overlap(piece, next));
        const { outputs, inner } = piece.piece;
        assert.ok(outputs.from >= 0 && outputs.to <= shape.k * shape.groups && inner.from >= 0 && inner.to <= shape.n);
        assert.ok(area(piece) > 0);
        assert.ok(tileGrid(piece.shape, chip).tiles <= most, `${tileGrid(piece.shape, chip).tiles} tiles, at most ${most}`);
        assert.is(piece.shape.m, shape.m);
        assert.is(piece.shape.n, inner.to - inner.from);
        assert.is(piece.shape.k * piece.shape.groups, outputs.to - outputs.from);
      }
    }),
    SEED,
  );
});

test('a piece lies within one group or is made of whole groups', () => {
  fc.assert(
    fc.property(CASE, ({ shape, tileRows, tileColumns, most }) => {
      for (const { piece, shape: cut } of split(shape, smallChip({ tileRows, tileColumns }), most)) {
        const [first, last] = [Math.floor(piece.outputs.from / shape.k), Math.floor((piece.outputs.to - 1) / shape.k)];
        if (cut.groups > 1) assert.ok(piece.outputs.from % shape.k === 0 && piece.outputs.to % shape.k === 0 && cut.k === shape.k);
        else assert.is(first, last);
      }
    }),
    SEED,
  );
});

test('the inner dimension is cut only when one column of tiles exceeds the limit', () => {
  fc.assert(
    fc.property(CASE, ({ shape, tileRows, tileColumns, most }) => {
      const pieces = split(shape, smallChip({ tileRows, tileColumns }), most);
      const cut = pieces.some(({ piece }) => piece.inner.from > 0 || piece.inner.to < shape.n);
      assert.is(cut, Math.ceil(shape.n / tileRows) > most);
    }),
    SEED,
  );
});

test('the pieces are as few as the limit allows and differ by at most one column of tiles', () => {
  fc.assert(
    fc.property(CASE, ({ shape, tileRows, tileColumns, most }) => {
      const rowTiles = Math.ceil(shape.n / tileRows);
      const columnTiles = Math.ceil(shape.k / tileColumns);
      if (shape.groups > 1 || rowTiles > most) return;
      const pieces = split(shape, smallChip({ tileRows, tileColumns }), most);
      assert.is(pieces.length, Math.ceil(columnTiles / Math.floor(most / rowTiles)));
      const columns = pieces.map(({ shape: { k } }) => Math.ceil(k / tileColumns));
      assert.ok(Math.max(...columns) - Math.min(...columns) <= 1, `${columns}`);
    }),
    SEED,
  );
});

test('whole groups are cut into as few pieces as the limit allows', () => {
  fc.assert(
    fc.property(CASE, ({ shape, tileRows, tileColumns, most }) => {
      const chip = smallChip({ tileRows, tileColumns });
      const { tiles, groupsPerTile } = tileGrid(shape, chip);
      const perUnit = Math.ceil(shape.n / tileRows) * Math.ceil(shape.k / tileColumns);
      if (shape.groups === 1 || perUnit > most) return;
      const units = Math.ceil(shape.groups / groupsPerTile);
      assert.is(split(shape, chip, most).length, tiles <= most ? 1 : Math.ceil(units / Math.floor(most / perUnit)));
    }),
    SEED,
  );
});

test('cutting never adds tiles', () => {
  fc.assert(
    fc.property(CASE, ({ shape, tileRows, tileColumns, most }) => {
      const chip = smallChip({ tileRows, tileColumns });
      const after = split(shape, chip, most).reduce((sum, piece) => sum + tileGrid(piece.shape, chip).tiles, 0);
      assert.is(after, tileGrid(shape, chip).tiles);
    }),
    SEED,
  );
});

test('pieces cut along n come in order, so that partial sums can be accumulated', () => {
  const pieces = split({ m: 4, n: 100, k: 20, groups: 1 }, smallChip({ tileRows: 10, tileColumns: 20 }), 3);
  // Ten tile rows on three arrays: four pieces of 2, 3, 2 and 3 tile rows.
  assert.is(pieces.length, 4);
  let reached = 0;
  for (const { piece } of pieces) {
    assert.is(piece.inner.from, reached);
    reached = piece.inner.to;
    assert.equal(piece.outputs, { from: 0, to: 20 });
  }
  assert.is(reached, 100);
});

test('an operator that fits is one piece, itself', () => {
  const shape = { m: 3, n: 64, k: 32, groups: 1 };
  assert.equal(split(shape, smallChip(), 4), [{ piece: { outputs: { from: 0, to: 32 }, inner: { from: 0, to: 64 } }, shape }]);
  assert.is(split(shape, smallChip(), 3).length, 2);
});

test('with no array to compute, the operator is named as not fitting', () => {
  const problems = problemsOf(() => split({ m: 1, n: 1, k: 1, groups: 1 }, smallChip(), 0));
  assert.equal(
    problems.map((problem) => [problem.kind, 'operator' in problem && problem.operator]),
    [['does-not-fit', 'op']],
  );
});

test.run();
