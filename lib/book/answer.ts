// Answers: what an exercise's check cell says. In: the reader's answer and the right one. Out: right, not yet or open, and why.

import { DISPLAY } from '../report/figure.ts';
import { escapeHtml } from '../report/html.ts';
import type { MimeBundle } from '../report/plotly.ts';

/** What may be asked for: a number, a word, yes or no, or a list of them in order. */
export type Answer = number | string | boolean | readonly (number | string | boolean)[];

export interface AnswerOptions<T> {
  /** Shown when the answer is right: why it is. */
  readonly because: string;
  /** Shown when it is not: how to get there, without the answer; a function sees what was answered. */
  readonly hint: string | ((answer: T) => string);
  /** How far a number may be off, as a share of the right one; unless given, no more than rounding explains. */
  readonly tolerance?: number;
}

export type VerdictState = 'right' | 'wrong' | 'open';

/**
 * Whether an exercise's answer is right, and why: the last value of a check cell. `undefined` is no answer yet.
 *
 * @example
 * const yourTiles: number | undefined = undefined; // your answer
 * checkAnswer(yourTiles, tileGrid({ n: 576, k: 128, groups: 1 }, chip).tiles, {
 *   because: 'two tiles high, four wide.',
 *   hint: 'How many columns of 40 weights do 128 outputs take?',
 * })
 */
export function checkAnswer<T extends Answer>(answer: T | undefined, right: T, options: AnswerOptions<T>): Verdict {
  if (answer === undefined || (typeof answer === 'number' && Number.isNaN(answer))) {
    return new Verdict('open', 'Write your answer into the cell and run it.');
  }
  if (isSame(answer, right, options.tolerance ?? ROUNDING)) return new Verdict('right', options.because);
  return new Verdict('wrong', typeof options.hint === 'string' ? options.hint : options.hint(answer), answer);
}

/** 0.1 + 0.2 is a right answer to 0.3. */
const ROUNDING = 1e-9;

const WORDS: Readonly<Record<VerdictState, string>> = { right: '\u2713 Right', wrong: '\u2717 Not yet', open: '? Not answered yet' };
/** As in `theme.ts`: green, vermilion and grey of Okabe and Ito, told apart by the sign and the word too. */
const COLOURS: Readonly<Record<VerdictState, string>> = { right: '#009E73', wrong: '#D55E00', open: '#6B7686' };

/** The result of `checkAnswer`, shown as a line of text. */
export class Verdict {
  readonly state: VerdictState;
  readonly why: string;
  readonly answer: Answer | undefined;

  constructor(state: VerdictState, why: string, answer?: Answer) {
    this.state = state;
    this.why = why;
    this.answer = answer;
  }

  toText(): string {
    const given = this.answer === undefined ? '' : ` (you wrote ${answerText(this.answer)})`;
    return `${WORDS[this.state]}${given}: ${this.why}`;
  }

  [DISPLAY](): MimeBundle {
    const text = this.toText();
    const head = text.slice(0, text.length - this.why.length);
    return {
      'text/html': `<div style="border-left: 4px solid ${COLOURS[this.state]}; padding: 4px 12px;"><strong>${escapeHtml(head)}</strong>${escapeHtml(this.why)}</div>`,
      'text/plain': text,
    };
  }
}

function isSame(answer: Answer, right: Answer, tolerance: number): boolean {
  if (typeof answer === 'number' && typeof right === 'number') return Math.abs(answer - right) <= tolerance * Math.abs(right);
  if (typeof answer === 'string' && typeof right === 'string') return answer.trim().toLowerCase() === right.trim().toLowerCase();
  if (typeof answer === 'object' && typeof right === 'object') {
    return answer.length === right.length && answer.every((each, i) => isSame(each, right[i]!, tolerance));
  }
  return answer === right;
}

function answerText(answer: Answer): string {
  if (typeof answer === 'object') return answer.map(answerText).join(', ');
  return String(answer);
}
