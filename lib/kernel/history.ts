// The inputs of this session, for front ends that let the reader recall them: answers history_request.

import type { Content } from './protocol.ts';

interface Entry {
  readonly line: number;
  readonly input: string;
  readonly output: string;
}

const SESSION = 1;
const MAX_ENTRIES = 10_000;

export class History {
  private readonly entries: Entry[] = [];

  add(line: number, input: string, output: string): void {
    this.entries.push({ line, input, output });
    if (this.entries.length > MAX_ENTRIES) this.entries.shift();
  }

  /** Returns the content of a history_reply. */
  reply(request: Content): Content {
    const found = this.find(request);
    const history = found.map(({ line, input, output }) => [SESSION, line, request.output === true ? [input, output] : input]);
    return { status: 'ok', history };
  }

  private find(request: Content): Entry[] {
    const limit = typeof request.n === 'number' ? request.n : this.entries.length;
    switch (request.hist_access_type) {
      case 'tail':
        return last(this.entries, limit);
      case 'range': {
        // Session 0 is the current one; earlier ones are not kept.
        if (request.session !== 0 && request.session !== SESSION) return [];
        const start = typeof request.start === 'number' ? request.start : 0;
        const stop = typeof request.stop === 'number' ? request.stop : Number.POSITIVE_INFINITY;
        return this.entries.filter(({ line }) => line >= start && line < stop);
      }
      case 'search': {
        const pattern = globPattern(String(request.pattern ?? '*'));
        const found = this.entries.filter(({ input }) => pattern.test(input));
        return last(request.unique === true ? newestOfEach(found) : found, limit);
      }
      default:
        return [];
    }
  }
}

function last(entries: readonly Entry[], count: number): Entry[] {
  return count <= 0 ? [] : entries.slice(-count);
}

function newestOfEach(entries: readonly Entry[]): Entry[] {
  return entries.filter(({ input }, i) => !entries.slice(i + 1).some((later) => later.input === input));
}

/** `*` stands for any text, `?` for one character. */
function globPattern(glob: string): RegExp {
  const source = glob
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`);
}
