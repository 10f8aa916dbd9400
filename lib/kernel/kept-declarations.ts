// What a cell that failed half-way leaves to the next one: the types it declared, its imports, and the variables that
// had a value when it stopped. tslab itself forgets the whole cell, imports included.

import type { Typescript, tsNamespace } from './tslab.ts';

/** Returns `declarations` (the text of a declaration file) without the variables that have no value in `values`. */
export function keepAssigned(ts: Typescript, declarations: string, values: Readonly<Record<string, unknown>>): string {
  const file = ts.createSourceFile('kept.d.ts', declarations, ts.ScriptTarget.ES2022);
  const hasValue = (name: tsNamespace.Node | undefined) => name === undefined || !ts.isIdentifier(name) || values[name.text] !== undefined;
  return file.statements
    .map((statement) => {
      if (ts.isVariableStatement(statement)) {
        const all = statement.declarationList.declarations;
        const kept = all.filter(({ name }) => hasValue(name)).map((each) => each.getText(file));
        // As far as the first name: `declare const `.
        const start = declarations.slice(statement.getStart(file), all[0]?.getStart(file));
        return kept.length === 0 ? '' : `${start}${kept.join(', ')};\n`;
      }
      const isValue = ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement) || ts.isEnumDeclaration(statement);
      return isValue && !hasValue(statement.name) ? '' : statement.getFullText(file);
    })
    .join('');
}
