import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { CompileError, describe, type Problem } from '../../lib/base/problem.ts';
import { checkHardwareFile } from '../../lib/hardware/check.ts';
import { parseJson } from '../../lib/hardware/parse-json.ts';
import { loadHardware, readHardwareFile } from '../../lib/hardware/read.ts';
import { CHIPS, contentOf, contentWith, type JsonObject, linesOf, pathOf, problemsOf } from './chips.ts';
import { mutated, mutation } from './mutate.ts';

const test = suite('hardware: reading');
const folder = mkdtempSync(join(tmpdir(), 'cimbook-hardware-'));
test.after(() => rmSync(folder, { recursive: true }));

function written(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The only problem there is. */
function problemOf(call: () => unknown): Problem {
  const problems = problemsOf(call);
  assert.is(problems.length, 1, linesOf(problems).join('\n'));
  const [problem] = problems;
  if (problem === undefined) throw new Error('no problem');
  return problem;
}

/** "path: found -> expected" of the one problem of the chip with one value replaced. */
function lineOf(path: string, value: unknown): string {
  return linesOf([problemOf(() => loadHardware(contentWith('dynaplasia', path, value)))])[0] ?? '';
}

test('a file and its parsed content are the same chip', () => {
  for (const chip of CHIPS) assert.equal(loadHardware(contentOf(chip)), loadHardware(pathOf(chip)));
});

test('the content given is copied, so changing it later changes nothing', () => {
  const content = contentOf('dynaplasia');
  const hardware = loadHardware(content);
  (content.arrays as JsonObject).grid = { x: 1, y: 1 };
  assert.equal(hardware.file.arrays.grid, { x: 8, y: 12 });
});

test('all problems of a file are reported at once, each with its path', () => {
  const content = contentOf('dynaplasia');
  const { compute, memory, arrays } = content as { compute: JsonObject; memory: JsonObject; arrays: JsonObject };
  compute.rows = 288;
  compute.rwos = 288;
  delete memory.bytes;
  (memory.read as JsonObject).unit = 'B/s';
  (arrays.count as JsonObject).value = 96.5;
  arrays.grid = { x: 8, y: 11 };
  const path = written('many.json', JSON.stringify(content));
  assert.equal(linesOf(problemsOf(() => loadHardware(path))), [
    `${path}: $.arrays.count.value: 96.5 -> a positive whole number, 1 to 1,000,000 array`,
    `${path}: $.compute.rwos: an unknown field -> 'rows'`,
    `${path}: $.compute.rows: 288 -> an object with value, unit, mark and source, its unit row`,
    `${path}: $.memory.bytes: nothing -> an object with value, unit, mark and source, its unit B or KB`,
    `${path}: $.memory.read.unit: "B/s" -> "B/cycle" or "GB/s"`,
    `${path}: $.arrays.grid: 8 x 11 = 88 places -> at least one for each of the 96.5 arrays`,
  ]);
});

test('a message says what, where and what to write instead', () => {
  assert.is(
    describe(problemOf(() => loadHardware(contentWith('dynaplasia', 'clock.unit', 'kHz')))),
    '$.clock.unit: found "kHz", expected "Hz", "MHz" or "GHz".',
  );
});

test('a quantity is a finite positive number, whole where it counts things', () => {
  const rows = 'a positive whole number, 1 to 65,536 row';
  for (const [value, found] of [
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [0, '0'],
    [-1, '-1'],
    [1.5, '1.5'],
    ['288', '"288"'],
    [null, 'null'],
    [[288], 'a list of 1'],
    [{}, 'an object'],
    [true, 'true'],
    [65_537, '65537'],
  ]) {
    assert.is(lineOf('compute.rows.value', value), `$.compute.rows.value: ${found} -> ${rows}`);
  }
  assert.is(lineOf('compute.rows.value', undefined), `$.compute.rows.value: nothing -> ${rows}`);
});

test('zero is a latency, a switch time, an energy and a power, but no rate and no time of work', () => {
  const ranged = (path: string) =>
    loadHardware(contentWith('dynaplasia', path, { value: 0, unit: unitOf(path), mark: 'D', source: 'test' }));
  for (const path of ['external.latency', 'switch.toMemory', 'switch.energy', 'power.leakage', 'external.energy']) ranged(path);
  for (const path of ['external.rate', 'compute.activations.8.mvm', 'compute.weights.8.writeRow', 'clock', 'vector.rate']) {
    assert.is(problemOf(() => ranged(path)).kind, 'hardware', path);
  }
});

function unitOf(path: string): unknown {
  let value: unknown = contentOf('dynaplasia');
  for (const key of [...path.split('.'), 'unit']) value = (value as JsonObject)[key];
  return value;
}

test('absurdly large numbers are refused', () => {
  for (const [path, value] of [
    ['arrays.count', 1_000_001],
    ['buffer.bankBytes', 2 ** 33],
    ['external.latency', 1e10],
    ['clock', 1e6],
    ['memory.read', 1e7],
  ] as const) {
    const problems = problemsOf(() =>
      loadHardware(contentWith('dynaplasia', path, { value, unit: unitOf(path), mark: 'D', source: 'test' })),
    );
    assert.ok(
      linesOf(problems).some((line) => line.startsWith(`$.${path}.value: ${value} -> `)),
      path,
    );
  }
});

test('each field has its own units', () => {
  assert.is(lineOf('external.rate.unit', 'GB'), '$.external.rate.unit: "GB" -> "B/cycle" or "GB/s"');
  assert.is(lineOf('compute.activations.8.mvm.unit', 'ms'), '$.compute.activations["8"].mvm.unit: "ms" -> "ns", "us" or "cycle"');
  assert.is(lineOf('compute.macEnergy.8x8.unit', 'pJ'), '$.compute.macEnergy["8x8"].unit: "pJ" -> "fJ/MAC" or "pJ/MAC"');
  assert.is(lineOf('memory.readEnergy.unit', 'constructor'), '$.memory.readEnergy.unit: "constructor" -> "pJ/B" or "pJ/bit"');
});

test('a mark is P, P*, D or U, and a source is never blank', () => {
  assert.is(lineOf('compute.rows.mark', 'X'), '$.compute.rows.mark: "X" -> one of "P", "P*", "D", "U"');
  assert.match(lineOf('compute.rows.source', ' '), '$.compute.rows.source: " " -> a text');
  assert.match(lineOf('compute.rows.source', undefined), '$.compute.rows.source: nothing -> a text');
  assert.match(lineOf('compute.rows.source', 'red \u001b[31m'), 'without control characters');
  assert.match(lineOf('compute.rows.source', 'x'.repeat(2_001)), '2001 characters -> at most 2000');
});

test('an unknown has a range, which holds its value', () => {
  assert.is(lineOf('clock.range', undefined), '$.clock.range: nothing -> a range [least, greatest], because the mark is "U"');
  assert.is(lineOf('clock.range', [100, 150]), '$.clock.value: 200 -> a value inside its own range [100, 150]');
  assert.is(lineOf('clock.range', [265, 165]), '$.clock.range: [265, 165] -> the least first');
  assert.is(lineOf('clock.range', [165]), '$.clock.range: a list of 1 -> two numbers [least, greatest]');
  assert.match(lineOf('clock.range', [165, 'more']), '$.clock.range[1]: "more" -> a positive number');
  assert.is(lineOf('compute.rows.mark', 'U'), '$.compute.rows.range: nothing -> a range [least, greatest], because the mark is "U"');
});

test('the grid has a place for every array', () => {
  assert.is(lineOf('arrays.grid', { x: 8, y: 11 }), '$.arrays.grid: 8 x 11 = 88 places -> at least one for each of the 96 arrays');
  assert.match(lineOf('arrays.grid', { x: 96 }), '$.arrays.grid.y: nothing -> a whole number');
});

test('a name is short, lower-case and without spaces', () => {
  for (const name of ['', 'My Chip', '../chip', '-chip', 'x'.repeat(65), 7]) assert.match(lineOf('name', name), '$.name: ');
});

test('an energy belongs to bits that the file describes', () => {
  const energy = { value: 1, unit: 'pJ/MAC', mark: 'D', source: 'test' };
  const content = contentOf('dynaplasia');
  (content.compute as { macEnergy: JsonObject }).macEnergy['16x2'] = energy;
  assert.equal(linesOf(problemsOf(() => loadHardware(content))), [
    '$.compute.macEnergy["16x2"]: an energy at 16-bit activations -> the time there too, in compute.activations["16"]',
    '$.compute.macEnergy["16x2"]: an energy at 2-bit weights -> how they are stored too, in compute.weights["2"]',
  ]);
});

test('bits are keys from 1 to 32, and at least one of them is there', () => {
  const problems = problemsOf(() => loadHardware(contentWith('dynaplasia', 'compute.activations', {})));
  assert.is(linesOf(problems)[0], '$.compute.activations: no entry -> at least one; its key is bits of an activation, such as "8"');
  const content = contentOf('dynaplasia');
  const activations = (content.compute as { activations: JsonObject }).activations;
  activations['08'] = activations['8'] ?? null;
  assert.equal(linesOf(problemsOf(() => loadHardware(content))), [
    '$.compute.activations["08"]: an unknown field -> bits of an activation, such as "8"',
  ]);
});

test('names that JavaScript knows are unknown fields like any other', () => {
  const text = JSON.stringify(contentOf('dynaplasia')).replace(
    '"schemaVersion":1',
    '"schemaVersion":1,"__proto__":{"polluted":true},"constructor":1,"toString":2',
  );
  assert.equal(
    problemsOf(() => loadHardware(written('proto.json', text))).map((problem) =>
      problem.kind === 'hardware' ? problem.path.replace(/^.*: /, '') : problem.kind,
    ),
    ['$.__proto__', '$.constructor', '$.toString'],
  );
  assert.is(({} as { polluted?: boolean }).polluted, undefined);
  const inMap = JSON.stringify(contentOf('dynaplasia')).replace('"weights":{', '"weights":{"__proto__":{},');
  assert.is(
    linesOf(problemsOf(() => loadHardware(JSON.parse(inMap) as object)))[0],
    '$.compute.weights.__proto__: an unknown field -> bits of a weight, such as "8"',
  );
});

test('a million unknown fields make few problems, and long names short ones', () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field${index}`, 0]));
  const problems = problemsOf(() => loadHardware({ ...contentOf('dynaplasia'), ...many }));
  assert.is(problems.length, 21);
  const long = problemOf(() => loadHardware({ ...contentOf('dynaplasia'), ['x'.repeat(1e6)]: 0 }));
  assert.ok(describe(long).length < 400);
});

test('what is not an object is no hardware file', () => {
  for (const [text, found] of [
    ['[]', 'an empty list'],
    ['null', 'null'],
    ['3', '3'],
    ['"chip"', '"chip"'],
    ['{}', 'nothing'],
  ] as const) {
    const [first] = problemsOf(() => loadHardware(written('other.json', text)));
    assert.ok(first?.kind === 'hardware' && first.found === found, text);
  }
});

test('an object that is not plain data is no hardware file', () => {
  const cyclic: { self?: unknown } = {};
  cyclic.self = cyclic;
  const thrower = Object.defineProperty({}, 'name', {
    enumerable: true,
    get: () => {
      throw new TypeError('from a getter');
    },
  });
  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new RangeError('from a proxy');
      },
    },
  );
  for (const value of [cyclic, thrower, proxy, { name: () => 'chip' }, new Date(), new Map(), new Uint8Array(9), [], [1], Symbol]) {
    assert.ok(problemsOf(() => loadHardware(value as object)).length > 0);
  }
});

test('a missing file, a folder and an oversized file each say so', () => {
  const reasonOf = (path: string) => {
    const problem = problemOf(() => loadHardware(path));
    return problem.kind === 'file' ? problem.reason : problem.kind;
  };
  assert.is(reasonOf(join(folder, 'none.json')), 'there is no such file');
  assert.is(reasonOf(folder), 'is not a file');
  assert.match(reasonOf('a\0b'), 'the system says');
  assert.match(reasonOf(''), 'there is no such file');
  assert.is(reasonOf(written('large.json', ' '.repeat(1024 * 1024 + 1))), 'has 1048577 bytes, a hardware file at most 1048576');
  assert.is(reasonOf(written('latin.json', new Uint8Array([0x7b, 0xff, 0x7d]))), 'is not UTF-8 text');
});

test('a byte-order mark does no harm', () => {
  assert.is(loadHardware(written('bom.json', `\ufeff${JSON.stringify(contentOf('dynaplasia'))}`)).name, 'dynaplasia');
});

test('text that is not JSON is refused at its line and column', () => {
  const at = (text: string) => {
    const problem = problemOf(() => loadHardware(written('broken.json', text)));
    return problem.kind === 'hardware'
      ? `${problem.path.replace(/^.*broken\.json/, '')} ${problem.found} -> ${problem.expected}`
      : problem.kind;
  };
  assert.is(at(''), ':1:1 the end of the file -> JSON: a value');
  assert.is(at('{\n  "name": chip\n}'), ':2:11 "chip" -> JSON: a value');
  assert.is(at('{\n  "name": "chip",\n}'), ':3:1 "}" -> JSON: a name in double quotes');
  assert.is(at('{"a": 1 "b": 2}'), ':1:9 "\\"b\\"" -> JSON: , or }');
  assert.is(at('{"a" 1}'), ':1:6 "1" -> JSON: :');
  assert.is(at('{"a": [1, 2'), ':1:12 the end of the file -> JSON: , or ]');
  assert.is(at('{"a": 01}'), ':1:7 "01" -> JSON: a value');
  assert.is(at('{} // chip'), ':1:4 "/" -> JSON: nothing more');
  assert.is(at('{"a": NaN}'), ':1:7 "NaN" -> JSON: a value');
  assert.is(at('[1, 2}'), ':1:6 "}" -> JSON: , or ]');
  assert.is(at("{'a': 1}"), `:1:2 "'" -> JSON: a name in double quotes or }`);
});

test('deep and long broken texts are refused like others', () => {
  for (const text of ['['.repeat(500_000), `{"a": "${'x'.repeat(900_000)}`, '{"a":'.repeat(150_000), `{"a": ${'9'.repeat(900_000)}x}`]) {
    assert.is(problemOf(() => loadHardware(written('deep.json', text))).kind, 'hardware');
  }
  assert.is(problemOf(() => loadHardware(written('nested.json', `${'['.repeat(200_000)}${']'.repeat(200_000)}`))).kind, 'hardware');
});

test('a mistake in a JSON text is the first one: what stands before it only ends too early', () => {
  const text = JSON.stringify(contentOf('dynaplasia'), null, 1).slice(0, 2_000);
  const offsetOf = (broken: string): number => {
    const problem = problemsOf(() => parseJson(broken, 'text'))[0];
    const [, line, column] = (problem?.kind === 'hardware' ? problem.path : '').match(/:(\d+):(\d+)$/) ?? [];
    return (
      broken
        .split('\n')
        .slice(0, Number(line) - 1)
        .reduce((sum, before) => sum + before.length + 1, 0) +
      Number(column) -
      1
    );
  };
  fc.assert(
    fc.property(
      fc.nat(text.length - 1),
      fc.constantFrom('{', '}', '[', ']', ',', ':', '"', 'x', '1', '-', '\n', '\\', ''),
      (at, insert) => {
        const broken = text.slice(0, at) + insert + text.slice(at + 1);
        const offset = offsetOf(broken);
        assert.ok(offset >= 0 && offset <= broken.length);
        const before = broken.slice(0, offset);
        assert.ok(isJson(before) || offsetOf(before) === before.length, `${at} ${insert}: ${offset}`);
      },
    ),
    { seed: 4, numRuns: 1_000 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('any mutation of a valid file gives a chip or a CompileError, never another exception', () => {
  let chips = 0;
  fc.assert(
    fc.property(fc.constantFrom(...CHIPS), fc.array(mutation, { minLength: 1, maxLength: 3 }), fc.boolean(), (chip, mutations, asText) => {
      const content = mutations.reduce(mutated, contentOf(chip));
      try {
        const source = asText ? written('mutated.json', JSON.stringify(content)) : content;
        const hardware = loadHardware(source);
        chips++;
        for (const cycles of [hardware.mvmCycles, hardware.writeCyclesPerArray, hardware.externalLatencyCycles])
          assert.ok(Number.isSafeInteger(cycles));
        for (const rate of [hardware.opCim, hardware.dCim, hardware.dMain]) assert.ok(Number.isFinite(rate) && rate > 0);
      } catch (error) {
        assert.instance(error, CompileError);
        assert.ok((error as CompileError).problems.length > 0);
      }
    }),
    { seed: 1, numRuns: 3_000 },
  );
  assert.ok(chips > 50, `only ${chips} mutations left a chip`);
});

test('any value at all is a hardware file or has problems', () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }), (value) => {
      assert.ok(checkHardwareFile(value).problems.length > 0);
    }),
    { seed: 5, numRuns: 500 },
  );
});

test('readHardwareFile gives the file without deriving anything', () => {
  assert.is(readHardwareFile(pathOf('dynaplasia-paper')).compute.rows.value, 320);
});

test.run();
