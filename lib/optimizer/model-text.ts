// A mixed-integer program as text: CPLEX LP format, which solvers read, and LaTeX, which people read.

import type { MixedIntegerModel, Term } from './model.ts';

/** LP format: objective, rows, bounds, integers. Numbers keep all their digits. */
export function printLp(model: MixedIntegerModel): string {
  const rows = model.rows.map(({ name, terms, atMost }) => ` ${name}: ${lpSum(terms)} <= ${atMost}`);
  const bounds = model.variables.map(({ name, least, most }) =>
    most === undefined ? ` ${name} >= ${least}` : ` ${least} <= ${name} <= ${most}`,
  );
  const integers = model.variables.filter(({ integer }) => integer).map(({ name }) => ` ${name}`);
  return [
    'Maximize',
    ` throughput: ${lpSum(model.objective)}`,
    'Subject To',
    ...rows,
    'Bounds',
    ...bounds,
    'General',
    ...integers,
    'End',
    '',
  ].join('\n');
}

function lpSum(terms: readonly Term[]): string {
  return terms
    .map(({ coefficient, variable }, i) => {
      const sign = coefficient < 0 ? '-' : i === 0 ? '' : '+';
      return `${sign} ${Math.abs(coefficient)} ${variable}`.trim();
    })
    .join(' ');
}

const LATEX_DIGITS = 4;

/** An `aligned` environment for a notebook: coefficients with four digits, one row a line. */
export function printLatex(model: MixedIntegerModel): string {
  const integers = model.variables.filter(({ integer }) => integer).map(({ name }) => latexName(name));
  const bounds = model.variables
    .filter(({ integer }) => integer)
    .map(({ name, least, most }) =>
      most === undefined ? `${latexName(name)} \\ge ${least}` : `${least} \\le ${latexName(name)} \\le ${most}`,
    );
  const lines = [
    `\\max\\; & ${latexSum(model.objective)}`,
    ...model.rows.map(
      ({ terms, atMost }, i) => `${i === 0 ? '\\text{subject to}\\; ' : ''}& ${latexSum(terms)} \\le ${latexNumber(atMost)}`,
    ),
    `& ${bounds.join(',\\; ')}`,
    `& ${integers.join(', ')} \\in \\mathbb{Z}`,
  ];
  return `\\begin{aligned}\n${lines.join(' \\\\\n')}\n\\end{aligned}`;
}

function latexSum(terms: readonly Term[]): string {
  return terms
    .map(({ coefficient, variable }, i) => {
      const sign = coefficient < 0 ? '-' : i === 0 ? '' : '+';
      const size = Math.abs(coefficient);
      return `${sign} ${size === 1 ? '' : `${latexNumber(size)}\\,`}${latexName(variable)}`.trim();
    })
    .join(' ');
}

function latexName(name: string): string {
  const [, letter, first, second] = /^([a-z])(\d+)(?:_(\d+))?$/.exec(name) ?? [];
  return letter === undefined ? name : `${letter}_{${second === undefined ? first : `${first},${second}`}}`;
}

function latexNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(LATEX_DIGITS)));
}
