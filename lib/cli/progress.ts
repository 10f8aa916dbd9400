// A progress line on standard error, only where a person watches a terminal.

export interface Progress {
  readonly update: (share: number) => void;
  readonly end: () => void;
}

export function progress(what: string): Progress {
  if (!process.stderr.isTTY) return { update: () => {}, end: () => {} };
  let shown = false;
  return {
    update: (share) => {
      shown = true;
      process.stderr.write(`\r${what} ${Math.round(share * 100)} %`);
    },
    end: () => {
      if (shown) process.stderr.write('\r\u001b[K');
    },
  };
}
