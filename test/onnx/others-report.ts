// npm run conformance -- --others DIR: what the import makes of every .onnx file below a folder, such as one that
// datasets/export/others.py has filled. Dimensions that files leave open get sizes by the names they usually have.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { CompileError, describe } from '../../lib/base/problem.ts';
import { isMatrix } from '../../lib/ir/graph.ts';
import { importOnnx } from '../../lib/onnx/import-onnx.ts';

const SIZES = { batch: 2, sequence: 16, past: 4, time: 7, h: 64, w: 64 };

const [, , folder = '.'] = process.argv;
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.onnx'))
  .sort();
let graphs = 0;
for (const file of files) {
  try {
    const { operators } = importOnnx(join(folder, file), { defaults: SIZES });
    console.log(`${file}: ${operators.length} operators, ${operators.filter(isMatrix).length} of them products`);
    graphs++;
  } catch (error) {
    if (!(error instanceof CompileError)) throw error;
    const [first] = error.problems;
    console.log(
      `${file}: ${first === undefined ? '' : describe(first)}${error.problems.length > 1 ? ` (and ${error.problems.length - 1} more)` : ''}`,
    );
  }
}
console.log(`\n${graphs} of ${files.length} files become a Graph.`);
