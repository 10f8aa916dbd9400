// The ledger: claims with verdicts -> docs/reproduction.md and its CSV. Every row and every sentence with a number in it is made here.

import type { Row } from './csv.ts';
import type { Claim, Section, SectionReport } from './section.ts';
import { appearsAt, hangsOn, type Sensitivity } from './sensitivity.ts';
import { type Found, geometricMean, mean, type Published, RULES, type Unit, VERDICTS, type Verdict, verdictOf } from './verdict.ts';

export interface Entry extends Claim {
  readonly paperVerdict: Verdict | undefined;
  readonly machineVerdict: Verdict | undefined;
  readonly hangs: string;
  /** Where the published number appears on the paper's cost, and on the machine; empty where it is not one number. */
  readonly appears: string;
  readonly appearsOnMachine: string;
}

export function entriesOf(reports: readonly SectionReport[], sensitivity: Sensitivity): readonly Entry[] {
  return reports.flatMap(({ claims }) =>
    claims.map((claim): Entry => {
      const probe = claim.probe ?? claim.id;
      const [swings, machineSwings] = [sensitivity.swings.get(probe), sensitivity.machineSwings.get(probe)];
      const { unit = claim.unit, at = '' } = sensitivity.probed[probe] ?? {};
      return {
        ...claim,
        paperVerdict: claim.paper && verdictOf(claim.published, claim.paper, claim.unit),
        machineVerdict: claim.machine && verdictOf(claim.published, claim.machine, claim.unit),
        hangs: claim.hangsOn ?? (swings === undefined ? 'not swept' : `at ${at}: ${hangsOn(swings, unit)}`),
        appears: swings === undefined ? '' : appearsAt(swings),
        appearsOnMachine: machineSwings === undefined ? '' : appearsAt(machineSwings),
      };
    }),
  );
}

/** A row a claim, numbers apart from words. */
export function ledgerRows(entries: readonly Entry[]): readonly Row[] {
  return entries.map((entry) => ({
    id: entry.id,
    where: entry.where,
    claim: entry.claim,
    published: publishedText(entry.published, entry.unit),
    paper: foundText(entry.paper, entry.published, entry.unit),
    'paper verdict': entry.paperVerdict,
    machine: foundText(entry.machine, entry.published, entry.unit),
    'machine verdict': entry.machineVerdict,
    'hangs on': entry.hangs,
    'appears at': entry.appears,
    'on the machine at': entry.appearsOnMachine === '' ? undefined : entry.appearsOnMachine,
    note: entry.note,
  }));
}

export function ledgerText(
  sections: readonly Section[],
  reports: readonly SectionReport[],
  entries: readonly Entry[],
  sensitivity: Sensitivity,
): string {
  const count = (of: 'paperVerdict' | 'machineVerdict'): string =>
    VERDICTS.map((verdict) => `${entries.filter((entry) => entry[of] === verdict).length} ${verdict}`).join(', ');
  const parts = [
    `# The claims of the CMSwitch paper, checked

Zhao et al., *Be CIM or Be Memory: A Dual-mode-aware DNN Compiler for CIM Accelerators*, ASPLOS 2025. This page is written by \`npm run reproduce\`; nobody edits
it. \`npm run reproduce -- --only fig14\` measures one figure anew and takes the others from the CSV files in [docs/reproduction/](reproduction/).

Every claim is computed twice: on **the paper's cost model** (Eq. (1) to (10), as repaired in [decision 2](decisions/0002-repairs-to-the-paper.md)), which CMSwitch
minimises, and on **the machine**, our simulator, which runs the program and charges the channel, the buffer and the fetching of weights ([machine.md](machine.md)). Both compilers
are as published: \`cmswitch\`, and \`cim-mlc\` as in [baselines.md](baselines.md). The chip is \`hw/dynaplasia-paper.json\`, Table 2 read literally; what the paper does not
print has the value and the range given there with its reason. **No constant was chosen to hit a number.** The thousands of programs behind this page run without the verifier,
which would take as long as the run; the tests verify the emitter's programs, and a sample of the points of this page verified and computed again.

On the paper's cost: ${count('paperVerdict')}. On the machine: ${count('machineVerdict')}.

## How a verdict is found

${RULES}

*Hangs on*: the two of six undisclosed parameters that move the claim's number most on the paper's cost, each over its plausible range with the others as they are. For a
claim of several workloads it is one of them, which is named first; it stands for the row, and need not be its mean. A dash: the model has nothing to say.

## The ledger

${table(
  ['', 'claim', 'published', "paper's cost", '', 'machine', '', 'hangs on'],
  entries.map((entry) => [
    entry.where,
    entry.claim,
    publishedText(entry.published, entry.unit),
    foundText(entry.paper, entry.published, entry.unit),
    mark(entry.paperVerdict),
    foundText(entry.machine, entry.published, entry.unit),
    mark(entry.machineVerdict),
    entry.hangs,
  ]),
)}`,
    parameterText(sensitivity, entries),
    ...sections.map((section, i) => sectionText(section, reports[i]!)),
  ];
  return `${parts.join('\n\n')}\n`;
}

function parameterText(sensitivity: Sensitivity, entries: readonly Entry[]): string {
  const { sweep, ends, map, mapOf, probed, machineProbed } = sensitivity;
  const [first, second] = mapOf;
  const swept = entries.filter(({ id, probe }) => probe === undefined && probed[id] !== undefined);
  const onMachine = swept.filter(({ appearsOnMachine }) => appearsOnMachine !== '');
  const never = swept.filter(({ appears }) => appears === 'nowhere').length;
  const neverOnMachine = onMachine.filter(({ appearsOnMachine }) => appearsOnMachine === 'nowhere').length;
  const networks = Object.keys(map[0] ?? {}).filter((name) => /^fig14-(?!mean|most)/.test(name));
  const near = (row: Row, claim: string): boolean => {
    const wanted = probed[claim];
    return (
      wanted !== undefined && verdictOf({ kind: 'value', value: wanted.published }, [Number(row[claim])], wanted.unit) === 'reproduced'
    );
  };
  const most = Math.max(...map.map((row) => networks.filter((claim) => near(row, claim)).length));
  const best = map.filter((row) => networks.filter((claim) => near(row, claim)).length === most);
  return `## Where do the published numbers appear?

Each parameter over its range, the others as they are: on the paper's cost (${sweep.length} settings, \`sweep.csv\`); for Fig. 14 on the machine, too, as it is and at the ends of
each range (${ends.length} settings, \`ends.csv\`). Of ${swept.length} claims that can be boiled down to one number, ${never} appear nowhere in the sweep on the paper's cost; of ${onMachine.length} on the
machine, ${neverOnMachine}.

${table(
  ['claim', 'at', 'published', "paper's cost", 'appears at', 'machine', 'appears at'],
  swept.map(({ id, claim, unit, appears, appearsOnMachine }) => [
    claim,
    probed[id]!.at,
    numberText(probed[id]!.published, unit),
    numberText(probed[id]!.value, unit),
    appears,
    machineProbed[id] === undefined ? '–' : numberText(machineProbed[id].value, unit),
    appearsOnMachine || '–',
  ]),
)}

![Mean speedup against each parameter](reproduction/sensitivity.png)

The two that move the mean of Fig. 14 most are ${first.name} and ${second.name}. Over both (${map.length} settings, \`map.csv\`), the published mean appears in ${map.filter((row) => near(row, 'fig14-mean')).length}; at most
${most} of the ${networks.length} networks are near their published mean at once${most === 0 ? '' : `, in ${best.length} settings: ${best.map((row) => `${first.name} ${row[first.id]}, ${second.name} ${row[second.id]}`).join('; ')}`}.

![Mean speedup over two parameters](reproduction/map.png)`;
}

function sectionText({ title }: Section, { claims, pictures, text }: SectionReport): string {
  const notes = [...new Set(claims.flatMap(({ note }) => note ?? []))].map((note) => {
    const mine = claims.filter((claim) => claim.note === note);
    return mine.length === claims.length ? `${capital(note)}.` : `- ${mine.map(({ claim }) => claim).join('; ')}: ${note}.`;
  });
  const images = Object.keys(pictures).map((name) => `![${title}](reproduction/${name}.png)`);
  return [`## ${title}`, ...text, ...(notes.length === 0 ? [] : [notes.join('\n')]), ...images].join('\n\n');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function mark(verdict: Verdict | undefined): string {
  return verdict === undefined ? '–' : verdict === 'reproduced' ? `**${verdict}**` : verdict;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n');
}

function numberText(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return '–';
  if (unit === 'share') return `${(100 * value).toFixed(value !== 0 && Math.abs(value) < 0.001 ? 2 : 1)} %`;
  if (unit === 'speedup') return value.toFixed(2);
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

export function publishedText(published: Published, unit: Unit): string {
  const text = (value: number): string => numberText(value, unit);
  switch (published.kind) {
    case 'value':
      return text(published.value);
    case 'range':
      return `${text(published.least)} to ${text(published.greatest)}${published.mean === undefined ? '' : `, mean ${text(published.mean)}`}`;
    case 'series':
      return published.values.map(text).join(' → ');
    case 'spread':
      return `from under ${text(published.under)} to over ${text(published.over)}`;
    case 'holds':
      return 'holds';
  }
}

export function foundText(found: Found | undefined, published: Published, unit: Unit): string {
  if (found === undefined) return '–';
  if (typeof found === 'string') return found;
  const text = (value: number): string => numberText(value, unit);
  if (published.kind === 'value') return text(mean(found));
  if (published.kind === 'series') {
    const shown = published.values.length > 2 || found.length < 3 ? found : [found[0]!, found.at(-1)!];
    return shown.map(text).join(' → ');
  }
  const ends = `${text(Math.min(...found))} to ${text(Math.max(...found))}`;
  return published.kind === 'range' && unit === 'speedup' ? `${ends}, mean ${text(geometricMean(found))}` : ends;
}
