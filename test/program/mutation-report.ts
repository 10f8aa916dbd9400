// npm run mutation: as many edits as it is told to, and docs/mutation.md.
//   npm run mutation -- --cases 5000 --seed 1

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EDITS, MANIFEST_EDITS } from './edits.ts';
import { type Case, mutationCase, type Subject, subjects } from './mutation.ts';

const MOST_LISTED = 60;

const { values } = parseArgs({ options: { cases: { type: 'string', default: '5000' }, seed: { type: 'string', default: '1' } } });
const [count, seed] = [Number(values.cases), Number(values.seed)];

const all = await subjects();
const cases: Case[] = [];
for (let number = 0; number < count; number++) {
  const one = mutationCase(all, seed, number);
  if (one !== undefined) cases.push(one);
  if (number % 500 === 499) console.error(`${number + 1} of ${count}`);
}
writeFileSync(fileURLToPath(new URL('../../docs/mutation.md', import.meta.url)), `${page(all, cases).join('\n')}\n`);
console.log(figures(cases).join('\n'));

function share(part: readonly unknown[], whole: readonly unknown[]): string {
  const percent = whole.length === 0 ? 100 : (100 * part.length) / whole.length;
  // Nearly all is not all.
  return `${part.length} of ${whole.length} (${percent === 100 ? '100' : Math.min(99.9, percent).toFixed(1)} %)`;
}

function figures(of: readonly Case[]): readonly string[] {
  const changing = of.filter(({ changes }) => changes);
  const statements = changing.filter(({ ofManifest }) => !ofManifest);
  const manifest = changing.filter(({ ofManifest }) => ofManifest);
  return [
    `- ${share(changing, of)} of the edits change a result.`,
    `- Of those to statements and regions the verifier alone rejects ${share(
      statements.filter(({ rules }) => rules.length > 0),
      statements,
    )}.`,
    `- Of those to declarations it rejects ${share(
      manifest.filter(({ rules }) => rules.length > 0),
      manifest,
    )}, and ${share(
      manifest.filter(({ rejectedWithModel }) => rejectedWithModel),
      manifest,
    )} with the model to compare them with (\`verify --model\`).`,
    `- Of all of them it rejects ${share(
      changing.filter(({ rules }) => rules.length > 0),
      changing,
    )}.`,
    `- Verifier, with the model, and functional check together reject ${share(
      changing.filter(({ rejectedWithModel, noticedByRun }) => rejectedWithModel || noticedByRun),
      changing,
    )}.`,
  ];
}

function page(of: readonly Subject[], found: readonly Case[]): readonly string[] {
  const rows = [...Object.keys(EDITS), ...Object.keys(MANIFEST_EDITS)].map((kind) => {
    const own = found.filter((one) => one.kind === kind);
    const changing = own.filter(({ changes }) => changes);
    const rejected = changing.filter(({ rules }) => rules.length > 0);
    const withModel = changing.filter(({ rejectedWithModel }) => rejectedWithModel);
    const rules = [...new Set(rejected.flatMap((one) => one.rules))].sort();
    const harmless = own.filter(({ changes, rules: broken }) => !changes && broken.length > 0);
    return `| ${kind} | ${own.length} | ${changing.length} | ${rejected.length} | ${withModel.length} | ${harmless.length} | ${rules.join(', ')} |`;
  });
  const survivors = found.filter(({ changes, rules }) => changes && rules.length === 0);
  return [
    '# Mutation test of the verifier',
    '',
    `\`npm run mutation -- --cases ${count} --seed ${seed}\` writes this page. Each case is one random edit of a right program (\`test/program/edits.ts\`). The`,
    'oracle is the functional simulation: the changed program runs, unverified, on three random inputs, and the edit changes a result',
    'if a number differs from the reference or the run stops. The verifier does not see these runs. The functional check is what',
    '`cimbook run` does, on a fourth input. `npm test` runs a sample.',
    '',
    ...figures(found),
    '',
    'Renaming, another order of declarations and another layout of the text are never rejected (`test/program/mutation.test.ts`).',
    '',
    '## Programs',
    '',
    ...of.map(
      ({ name, program, chip }) =>
        `- ${name}: ${program.operators.length} operators, ${program.regions.length} regions, ${chip.arrays} arrays`,
    ),
    '',
    '## By class',
    '',
    'An edit that changes no result may be rejected all the same: work done twice, a switch that nobody needs undone, a number that',
    'no longer fits. The first classes are of statements and regions, the last ones of declarations.',
    '',
    '| edit | cases | change a result | rejected | with the model | rejected, though harmless | rules |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
    '## Survivors',
    '',
    survivors.length === 0
      ? 'None: every edit that changes a result breaks a rule.'
      : `Edits that change a result and break no rule of a program by itself${survivors.length > MOST_LISTED ? `, the first ${MOST_LISTED} of ${survivors.length}` : ''}:`,
    '',
    ...survivors
      .slice(0, MOST_LISTED)
      .map(
        ({ number, kind, subject, what, rejectedWithModel, noticedByRun }) =>
          `- ${number}, ${kind} (${subject}): ${what}; found ${[rejectedWithModel && 'with the model', noticedByRun && 'by the functional check'].filter(Boolean).join(' and ') || 'by nothing'}`,
      ),
  ];
}
