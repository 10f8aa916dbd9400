// npm run conformance -- --runtime: shapes of every model of datasets/ that fits into WebAssembly's memory, the others as
// their narrow forms, against those ONNX Runtime produces; writes docs/runtime-shapes.md. A few minutes and 6 GB, most of it
// for BERT-large.

import { readdirSync, statSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes } from '../../lib/base/text.ts';
import { runImport } from '../../lib/onnx/import-onnx.ts';
import { elementCount } from '../../lib/onnx/model.ts';
import { type Bindings, datasetsPath, modelPath } from './models.ts';
import { compareShapes, NotRun, PROMPT, SIZES } from './runtime-shapes.ts';

/** Larger ones are checked as narrow exports of the same architecture. */
const MOST_WEIGHT_BYTES = 1.5e9;

function weightBytes(path: string): number {
  const { initializers } = runImport(path, {}, 'decode').model;
  const bytes = { float16: 2, bfloat16: 2, int8: 1, uint8: 1, bool: 1, int64: 8 } as Readonly<Record<string, number>>;
  return initializers.reduce((sum, { dtype, shape }) => sum + elementCount(shape) * (bytes[dtype] ?? 4), 0);
}

const names = ['.', 'narrow'].flatMap((folder) =>
  readdirSync(datasetsPath(folder))
    .filter((file) => file.endsWith('.onnx') && statSync(datasetsPath(join(folder, file))).isFile())
    .map((file) => join(folder, basename(file, '.onnx'))),
);
const sized = names.map((name) => ({ name, bytes: weightBytes(modelPath(name)) })).sort((a, b) => a.bytes - b.bytes);
let different = 0;
const rows: string[] = [];
const record = (...cells: readonly (string | number)[]): void => void rows.push(`| ${cells.join(' | ')} |`);
for (const { name, bytes } of sized) {
  const what = `${name.padEnd(22)} ${formatBytes(bytes).padStart(9)} of weights:`;
  if (bytes > MOST_WEIGHT_BYTES) {
    console.log(`${what} too large to run; see its narrow form`);
    record(name, formatBytes(bytes), '', '', '', 'too large to run: see its narrow form');
    continue;
  }
  const path = modelPath(name);
  const hasPast = runImport(path, {}, 'decode').model.inputs.some(({ dimensions }) => dimensions.includes('past'));
  for (const sizes of hasPast ? [SIZES, PROMPT] : [SIZES]) {
    const past = hasPast ? ` past=${sizes.past}` : '';
    const compared = await compareShapes(path, sizes).catch((error: unknown) => {
      if (error instanceof NotRun) return error;
      throw error;
    });
    if (compared instanceof NotRun) {
      console.log(`${what}${past} not run: ${compared.message}`);
      record(name, formatBytes(bytes), sizesOf(sizes, hasPast), '', '', `not run: ${reasonOf(compared)}`);
      continue;
    }
    const { values, tensors, differences } = compared;
    different += differences.length;
    console.log(`${what}${past} ${values} values, ${tensors} tensors of the graph, ${differences.length} shapes differ`);
    for (const difference of differences) console.log(`  ${difference}`);
    record(name, formatBytes(bytes), sizesOf(sizes, hasPast), values, tensors, differences.length);
  }
}
writeFileSync(
  fileURLToPath(new URL('../../docs/runtime-shapes.md', import.meta.url)),
  `# Shapes that ONNX Runtime produces

\`npm run conformance -- --runtime\` writes this page. Every model of \`datasets/\` with weights of up to 1.5 GB is run in onnxruntime-web with seeded weights, no
optimisation and every value as an output; the shapes it makes are compared with those that the import infers, and those of the Graph's tensors. Larger models are run
as narrow exports of the same architecture. \`npm test\` runs the small ones.

| model | weights | sizes | values | tensors of the Graph | shapes that differ |
| --- | ---: | --- | ---: | ---: | --- |
${rows.join('\n')}
`,
);

function sizesOf({ batch, sequence, past }: Bindings, hasPast: boolean): string {
  return hasPast ? `batch ${batch}, sequence ${sequence}, past ${past}` : `batch ${batch}`;
}

/** The first line of what ONNX Runtime says, without the place in its sources. */
function reasonOf({ message }: NotRun): string {
  const [line = ''] = message.split('\n');
  return line
    .replace(/^.*?(?=Could not find|Failed|Unsupported|Non-zero)/, '')
    .replaceAll('|', '/')
    .slice(0, 160);
}

process.exitCode = different === 0 ? 0 : 1;
