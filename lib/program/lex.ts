// Characters -> tokens of program text, one at a time: the lexer is its current token.
// One pass over the text, nothing is kept; line ends matter only through `firstOnLine`.

import { quote } from './syntax.ts';

const PUNCTUATION = ['(', ')', '[', ']', '{', '}', '=', ',', ':', '+', '-'] as const;
export type Punctuation = (typeof PUNCTUATION)[number];
/** `bad` is what no token starts with; its `found` and `expected` say why. */
export type TokenKind = 'word' | 'number' | 'string' | 'bad' | 'end' | Punctuation;

const NEWLINE = 10;
const QUOTE = 34;
const HASH = 35;
const BACKSLASH = 92;
const BYTE_ORDER_MARK = 0xfeff;
/** Most characters of the text that a message repeats. */
const MOST_SHOWN = 40;

/** By character code: 1 blank, 2 digit, 3 starts a word, 4 only inside a word that starts with 3. */
const CLASS = new Uint8Array(128);
for (const blank of ' \t\r\n') CLASS[blank.charCodeAt(0)] = 1;
for (let code = 0; code < 128; code++) {
  const char = String.fromCharCode(code);
  if (/[0-9]/.test(char)) CLASS[code] = 2;
  if (/[A-Za-z_$/]/.test(char)) CLASS[code] = 3;
  if (/[.-]/.test(char)) CLASS[code] = 4;
}
const DOT = 46;
const MARKS: ReadonlyMap<number, Punctuation> = new Map(PUNCTUATION.map((mark) => [mark.charCodeAt(0), mark]));

export class Lexer {
  kind: TokenKind = 'end';
  /** The word, or the value of the string. */
  text = '';
  /** Value of a number; not exact when it is over the largest safe integer. */
  value = 0;
  /** Offset of the token, or of what is wrong with it. */
  start = 0;
  line = 1;
  firstOnLine = true;
  /** Brackets of ( and [ opened and not closed ahead of this token; the parser resets it. */
  nesting = 0;
  /** Of a bad token: what to say. */
  problem: { readonly found: string; readonly expected: string } = { found: '', expected: '' };

  private readonly source: string;
  private position = 0;
  private lineStart = 0;

  /** The first token of `source` is current. */
  constructor(source: string) {
    this.source = source;
    if (source.charCodeAt(0) === BYTE_ORDER_MARK) this.position = this.lineStart = 1;
    this.next();
    this.firstOnLine = true;
  }

  /** Counted from 1, in UTF-16 units. */
  get column(): number {
    return this.start - this.lineStart + 1;
  }

  /** The token in words, for messages. */
  get found(): string {
    switch (this.kind) {
      case 'bad':
        return this.problem.found;
      case 'end':
        return 'the end of the text';
      case 'string':
        return `the string ${quote(shorten(this.text))}`;
      default:
        return `'${shorten(this.source.slice(this.start, Math.min(this.position, this.start + MOST_SHOWN + 1)))}'`;
    }
  }

  /** Digits or letters as they stand in the text. */
  get raw(): string {
    return this.source.slice(this.start, this.position);
  }

  next(): void {
    if (this.kind === '(' || this.kind === '[') this.nesting++;
    else if (this.kind === ')' || this.kind === ']') this.nesting--;
    this.skipBlanks();
    const { source } = this;
    this.start = this.position;
    if (this.position >= source.length) {
      this.kind = 'end';
      return;
    }
    const code = source.charCodeAt(this.position);
    const group = CLASS[code];
    if (group === 3) return this.word();
    if (group === 2) return this.number();
    if (code === QUOTE) return this.string();
    const mark = MARKS.get(code);
    if (mark !== undefined) {
      this.kind = mark;
      this.position++;
      return;
    }
    const point = source.codePointAt(this.position) ?? code;
    this.position += point > 0xffff ? 2 : 1;
    const shown =
      point > 32 && point < 127 ? `'${String.fromCodePoint(point)}'` : `character U+${point.toString(16).toUpperCase().padStart(4, '0')}`;
    this.bad(this.start, shown, 'a word, a number, a string in double quotes or one of ( ) [ ] { } = , : + - #');
  }

  private skipBlanks(): void {
    const { source } = this;
    this.firstOnLine = false;
    for (; this.position < source.length; this.position++) {
      const code = source.charCodeAt(this.position);
      if (code === NEWLINE) {
        this.line++;
        this.lineStart = this.position + 1;
        this.firstOnLine = true;
      } else if (code === HASH) {
        const end = source.indexOf('\n', this.position);
        this.position = (end < 0 ? source.length : end) - 1;
      } else if (CLASS[code] !== 1) return;
    }
  }

  private word(): void {
    const { source } = this;
    let end = this.position + 1;
    while ((CLASS[source.charCodeAt(end)] ?? 0) >= 2) end++;
    this.kind = 'word';
    this.text = source.slice(this.position, end);
    this.position = end;
  }

  /** Digits; or a word that starts with one, as sizes (224x224) and hashes do. It holds no '-'. */
  private number(): void {
    const { source } = this;
    let end = this.position;
    let value = 0;
    for (; CLASS[source.charCodeAt(end)] === 2; end++) value = value * 10 + (source.charCodeAt(end) - 48);
    const digits = end;
    for (let code = source.charCodeAt(end); CLASS[code] === 2 || CLASS[code] === 3 || code === DOT; code = source.charCodeAt(++end));
    this.kind = end === digits ? 'number' : 'word';
    this.value = value;
    this.text = end === digits ? '' : source.slice(this.position, end);
    this.position = end;
  }

  /** A JSON string; it ends on its line. */
  private string(): void {
    const { source } = this;
    const open = this.position;
    let at = open + 1;
    let escaped = false;
    let wrong = -1;
    for (let code = source.charCodeAt(at); code !== QUOTE; code = source.charCodeAt(at)) {
      if (code === NEWLINE || at >= source.length) {
        this.position = at;
        return this.bad(open, 'a string that does not end on its line', "a closing '\"'; a line break inside a string is written \\n");
      }
      if (code === BACKSLASH) {
        const length = escapeLength(source, at);
        if (length === 0 && wrong < 0) wrong = at;
        escaped = true;
        at += Math.max(length, 1);
      } else {
        if (code < 32 && wrong < 0) wrong = at;
        at++;
      }
    }
    this.position = at + 1;
    if (wrong >= 0) {
      const pair = source.slice(wrong, wrong + 2);
      const shown = /[!-~]{2}/.test(pair) ? pair : '\\';
      const what = pair.startsWith('\\') ? `the escape '${shown}'` : 'a control character in a string';
      return this.bad(wrong, what, 'one of the escapes \\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX');
    }
    this.kind = 'string';
    this.text = escaped ? String(JSON.parse(source.slice(open, at + 1))) : source.slice(open + 1, at);
  }

  private bad(at: number, found: string, expected: string): void {
    this.kind = 'bad';
    this.start = at;
    this.problem = { found, expected };
  }
}

/** Length of the JSON escape at `at`, 0 when it is none. */
function escapeLength(source: string, at: number): number {
  const char = source.charAt(at + 1);
  if (char === 'u') return /^[0-9a-fA-F]{4}$/.test(source.slice(at + 2, at + 6)) ? 6 : 0;
  return char !== '' && '"\\/bfnrt'.includes(char) ? 2 : 0;
}

function shorten(text: string): string {
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}...` : text;
}
