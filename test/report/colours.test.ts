import { createRequire } from 'node:module';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { COLOURS, ROLE_COLOURS, THEMES, template } from '../../lib/report/theme.ts';

const test = suite('colours');

/** culori: simulated colour blindness (Machado et al. 2009), distance (CIEDE2000) and contrast (WCAG 2) by others. */
const { filterDeficiencyProt, filterDeficiencyDeuter, filterDeficiencyTrit, differenceCiede2000, wcagContrast } = createRequire(
  import.meta.url,
)('culori') as {
  filterDeficiencyProt(severity: number): (colour: string) => object;
  filterDeficiencyDeuter(severity: number): (colour: string) => object;
  filterDeficiencyTrit(severity: number): (colour: string) => object;
  differenceCiede2000(): (a: object | string, b: object | string) => number;
  wcagContrast(a: string, b: string): number;
};

const EYES = {
  'all colours': (colour: string) => colour,
  protanopia: filterDeficiencyProt(1),
  deuteranopia: filterDeficiencyDeuter(1),
  tritanopia: filterDeficiencyTrit(1),
} as const;

const difference = differenceCiede2000();

test('compute and memory mode are far apart for every kind of colour vision', () => {
  for (const [eyes, see] of Object.entries(EYES)) {
    for (const memory of [ROLE_COLOURS.memoryIn, ROLE_COLOURS.memoryOut, ROLE_COLOURS.shared, ROLE_COLOURS.kept]) {
      const apart = difference(see(ROLE_COLOURS.compute), see(memory));
      assert.ok(apart > 40, `${eyes}: ${memory} is ${apart.toFixed(1)} from compute`);
    }
  }
});

test('no two roles of an array look alike to anyone', () => {
  const roles = Object.entries(ROLE_COLOURS).filter(([role]) => role !== 'idle');
  for (const [eyes, see] of Object.entries(EYES)) {
    for (const [i, [one, a]] of roles.entries()) {
      for (const [other, b] of roles.slice(i + 1)) {
        const apart = difference(see(a), see(b));
        assert.ok(apart >= 10, `${eyes}: ${one} and ${other} are ${apart.toFixed(1)} apart`);
      }
    }
  }
});

test('text of both themes can be read, and the marks of both modes stand out from the paper', () => {
  for (const theme of THEMES) {
    const layout = template(theme).layout as { paper_bgcolor: string; font: { color: string }; xaxis: { tickfont: { color: string } } };
    const paper = layout.paper_bgcolor;
    assert.ok(wcagContrast(layout.font.color, paper) >= 7, `${theme}: text`);
    assert.ok(wcagContrast(layout.xaxis.tickfont.color, paper) >= 4.5, `${theme}: tick labels`);
    for (const mode of ['compute', 'memory'] as const) assert.ok(wcagContrast(COLOURS[mode], paper) >= 2, `${theme}: ${mode}`);
  }
});

test.run();
