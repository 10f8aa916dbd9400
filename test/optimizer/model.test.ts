// The mixed-integer program as text: what a reader sees and what a solver parses.

import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AllocationProblem } from '../../lib/optimizer/allocation.ts';
import { allocationModel } from '../../lib/optimizer/model.ts';
import { printLatex, printLp } from '../../lib/optimizer/model-text.ts';

/** Two operators on 12 arrays: 2 tiles, 400 cycles, 900 bytes; 1 tile, 100 cycles, 100 bytes. D_cim 4, D_main 10. */
const PROBLEM: AllocationProblem = {
  claims: [
    { tiles: 2, computeCycles: 400, feedBytes: 900, mostCopies: 50 },
    { tiles: 1, computeCycles: 100, feedBytes: 100, mostCopies: 1 },
  ],
  edges: [],
  budget: { compute: 12, memory: 12, together: 12 },
  hardware: { dCim: 4, dMain: 10 },
  relaxed: false,
};

test('LP format has the program as one would write it by hand, in units of the smallest allocation', () => {
  // The smallest allocation takes max(400, 900/10, 100, 100/10) = 400 cycles.
  const text = printLp(allocationModel(PROBLEM));
  assert.is(
    text,
    `Maximize
 throughput: 1 t
Subject To
 compute0: 1 t - 1 x0 <= 0
 feed0: 0.225 t - 0.4 y0 <= 1
 compute1: 0.25 t - 1 x1 <= 0
 feed1: 0.025 t - 0.4 y1 <= 1
 arrays: 2 x0 + 1 x1 + 1 y0 + 1 y1 <= 12
Bounds
 t >= 0
 1 <= x0 <= 50
 y0 >= 0
 1 <= x1 <= 1
 y1 >= 0
General
 x0
 y0
 x1
 y1
End
`,
  );
});

test('a static split of the modes adds its two limits', () => {
  const text = printLp(allocationModel({ ...PROBLEM, budget: { compute: 8, memory: 4, together: 12 } }));
  assert.match(text, ' computeArrays: 2 x0 + 1 x1 <= 8\n');
  assert.match(text, ' memoryArrays: 1 y0 + 1 y1 <= 4\n');
});

/** The same with an edge, and on 8 arrays. */
const SHARING: AllocationProblem = {
  ...PROBLEM,
  edges: [{ producer: 0, consumer: 1, mostShared: 3 }],
  budget: { compute: 8, memory: 4, together: 8 },
};

test('arrays that are shared are within the memory of both operators, and taken off the sum once', () => {
  const text = printLp(allocationModel(SHARING));
  assert.match(text, ' share0: 1 s0_1 - 1 y0 <= 0\n share1: 1 s0_1 - 1 y1 <= 0\n');
  assert.match(text, ' arrays: 2 x0 + 1 x1 + 1 y0 + 1 y1 - 1 s0_1 <= 8\n');
  assert.match(text, ' memoryArrays: 1 y0 + 1 y1 - 1 s0_1 <= 4\n');
  assert.match(text, ' 0 <= s0_1 <= 3\n');
  assert.match(text, /General\n(.*\n)* s0_1\n/);
});

test('with sharing, LaTeX has a subscript of two operators', () => {
  const text = printLatex(allocationModel(SHARING));
  assert.match(text, 's_{0,1} - y_{0} \\le 0');
  assert.match(text, 'y_{0} + y_{1} - s_{0,1} \\le 4');
  assert.match(text, '0 \\le s_{0,1} \\le 3');
});

test('LaTeX has every row, subscripts and integrality', () => {
  const text = printLatex(allocationModel(PROBLEM));
  assert.match(text, '\\begin{aligned}');
  assert.match(text, '0.225\\,t - 0.4\\,y_{0} \\le 1');
  assert.match(text, '2\\,x_{0} + x_{1} + y_{0} + y_{1} \\le 12');
  assert.match(text, 'x_{0}, y_{0}, x_{1}, y_{1} \\in \\mathbb{Z}');
});

test.run();
