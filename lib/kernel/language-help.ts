// Completion, hover and "is this cell complete?", answered by TypeScript.
// In: the code of a cell and Jupyter's cursor, which counts characters where JavaScript counts UTF-16 units.

import type { Content } from './protocol.ts';
import type { Session } from './session.ts';
import type { Typescript, tsNamespace } from './tslab.ts';

/** Kinds as JupyterLab draws them. */
const KINDS: Readonly<Record<string, string>> = {
  alias: 'module',
  const: 'instance',
  'local var': 'instance',
  let: 'instance',
  var: 'instance',
  method: 'function',
  getter: 'property',
  setter: 'property',
  'local function': 'function',
  interface: 'interface',
  'local class': 'class',
};

export function complete(session: Session, request: Content): Content {
  const code = String(request.code ?? '');
  const offset = utf16Offset(code, request.cursor_pos);
  try {
    const { start, end, candidates, original } = session.complete(code, offset);
    const kinds = new Map(original?.entries.map(({ name, kind }) => [name, KINDS[kind] ?? kind]));
    const [cursor_start, cursor_end] = [characters(code, start), characters(code, end)];
    const types = candidates.map((text) => ({ text, type: kinds.get(text) ?? '', start: cursor_start, end: cursor_end }));
    return { status: 'ok', matches: candidates, cursor_start, cursor_end, metadata: { _jupyter_types_experimental: types } };
  } catch {
    // TypeScript's completion fails inside some half-written code, such as an import path.
    const cursor = characters(code, offset);
    return { status: 'ok', matches: [], cursor_start: cursor, cursor_end: cursor, metadata: {} };
  }
}

export function inspect(session: Session, request: Content): Content {
  const code = String(request.code ?? '');
  const offset = utf16Offset(code, request.cursor_pos);
  // At the cursor, just before it, and for a cursor among arguments the function they are given to.
  for (const position of [offset, offset - 1, calleeEnd(code, offset)]) {
    if (position === undefined || position < 0) continue;
    const info = quickInfo(session, code, position);
    if (info !== undefined) return { status: 'ok', found: true, data: describe(info), metadata: {} };
  }
  return { status: 'ok', found: false, data: {}, metadata: {} };
}

function quickInfo(session: Session, code: string, position: number): tsNamespace.QuickInfo | undefined {
  try {
    return session.inspect(code, position);
  } catch {
    return undefined;
  }
}

function describe(info: tsNamespace.QuickInfo): Content {
  const join = (parts: readonly { text: string }[] | undefined) => (parts ?? []).map(({ text }) => text).join('');
  const signature = join(info.displayParts);
  const tags = (info.tags ?? []).map((tag) => `@${tag.name} ${join(tag.text)}`.trim());
  const documentation = [join(info.documentation), ...tags].filter((part) => part !== '');
  return {
    'text/plain': [signature, ...documentation].join('\n\n'),
    'text/markdown': [`\`\`\`typescript\n${signature}\n\`\`\``, ...documentation].join('\n\n'),
  };
}

/** Returns the last position of `f` in `f(a, |`. */
function calleeEnd(code: string, offset: number): number | undefined {
  let depth = 0;
  for (let i = offset - 1; i >= 0; i--) {
    if (code[i] === ')') depth++;
    if (code[i] === '(' && depth-- === 0) return code.slice(0, i).trimEnd().length - 1;
  }
  return undefined;
}

// "Unterminated template literal", and a comment without its end.
const UNTERMINATED_CODES = [1160, 1010];

/** Returns the content of an is_complete_reply. */
export function isComplete(ts: Typescript, request: Content): Content {
  const code = String(request.code ?? '');
  // As tslab has it: a module, for `await`.
  const text = `export {};\n${code}`;
  const file = ts.createSourceFile('cell.ts', text, ts.ScriptTarget.ES2022) as tsNamespace.SourceFile & {
    readonly parseDiagnostics: readonly tsNamespace.Diagnostic[];
  };
  const problems = file.parseDiagnostics;
  if (problems.length === 0) return { status: 'complete' };
  const end = text.trimEnd().length;
  const isUnfinished = problems.some(({ code: number, start = 0, messageText }) => {
    const isExpected = typeof messageText === 'string' && messageText.endsWith(' expected.');
    return UNTERMINATED_CODES.includes(number) || (start >= end && isExpected);
  });
  if (!isUnfinished) return { status: 'invalid' };
  const lastLine = code.trimEnd().split('\n').at(-1) ?? '';
  const indent = /^\s*/.exec(lastLine)?.[0] ?? '';
  return { status: 'incomplete', indent: /[{([]$|=>$/.test(lastLine) ? `${indent}  ` : indent };
}

function utf16Offset(text: string, cursor: unknown): number {
  if (typeof cursor !== 'number') return text.length;
  return [...text].slice(0, Math.max(0, cursor)).join('').length;
}

function characters(text: string, offset: number): number {
  return [...text.slice(0, offset)].length;
}
