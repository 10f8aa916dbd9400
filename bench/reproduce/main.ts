// npm run reproduce: every figure and number of the CMSwitch paper on both cost models -> docs/reproduction.md with CSV and pictures beside
// it. Killed, it goes on where it was. Options: --only ID,... (sections to measure anew; the others from the committed files),
// --workers N (2), --recorded (nothing is measured: text and pictures from the committed files).

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { toCsv } from './csv.ts';
import { FOLDER, type Lab, liveLab, type Progress, recordedLab } from './lab.ts';
import { reproduce, SECTION_IDS } from './reproduce.ts';

const REPORT_EVERY_MS = 20_000;
/** A picture takes a second, or minutes where a machine is crowded. */
const PICTURE_MS = 300_000;

const { values } = parseArgs({
  options: { only: { type: 'string' }, workers: { type: 'string', default: '2' }, recorded: { type: 'boolean', default: false } },
});
const only = values.only?.split(',');
const unknown = only?.filter((id) => !SECTION_IDS.includes(id)) ?? [];
const workers = Number(values.workers);
if (unknown.length > 0 || !Number.isSafeInteger(workers) || workers < 1 || workers > 64) {
  console.error(
    unknown.length > 0 ? `There is no section ${unknown.join(', ')}: ${SECTION_IDS.join(', ')}.` : '--workers takes a number from 1 to 64.',
  );
  process.exit(2);
}

const start = performance.now();
let said = 0;
const say = ({ done, of, measured }: Progress): void => {
  const now = performance.now();
  if (done < of && now - said < (process.stderr.isTTY ? 500 : REPORT_EVERY_MS)) return;
  said = now;
  const text = `${done} of ${of} answers, ${measured} measured now, ${((now - start) / 60_000).toFixed(1)} min`;
  process.stderr.write(process.stderr.isTTY ? `\r${text}   ` : `${text}\n`);
};

const live: Lab = values.recorded ? recordedLab() : liveLab(workers, say);
const recorded = recordedLab();
const labOf = (id: string): Lab => (only === undefined || only.includes(id) ? live : recorded);

try {
  const { text, tables, pictures } = await reproduce(labOf);
  const points = new Map([...recorded.asked, ...live.asked]);
  const rows = [...points].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, measured]) => ({ key, ...measured }));
  mkdirSync(FOLDER, { recursive: true });
  const all = { ...tables, ...Object.fromEntries([...recorded.tables, ...live.tables]), points: rows };
  for (const [name, table] of Object.entries(all)) writeFileSync(`${FOLDER}/${name}.csv`, toCsv(table));
  const made = new Set([...Object.keys(all).map((name) => `${name}.csv`), ...Object.keys(pictures).map((name) => `${name}.png`)]);
  for (const file of readdirSync(FOLDER)) if (!made.has(file)) rmSync(`${FOLDER}/${file}`);
  writeFileSync('docs/reproduction.md', text);
  for (const [name, figure] of Object.entries(pictures))
    writeFileSync(`${FOLDER}/${name}.png`, await figure.toPNG({ scale: 1, timeoutMilliseconds: PICTURE_MS }));
  console.log(`\ndocs/reproduction.md: ${rows.length} points, ${((performance.now() - start) / 60_000).toFixed(1)} min`);
} finally {
  live.close();
}
process.exit(0);
