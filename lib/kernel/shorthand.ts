// `{ z }` where `z` is a variable of an earlier cell: tslab keeps those on an `exports` object and rewrites their names,
// but not in shorthand properties. In: the syntax tree of a cell. Out: the same tree with `{ z: exports.z }`.

import type { Typescript, tsNamespace } from './tslab.ts';

export function expandEarlierShorthands(
  ts: Typescript,
  checker: tsNamespace.TypeChecker,
): tsNamespace.TransformerFactory<tsNamespace.SourceFile> {
  const { factory } = ts;
  return (context) => (file) => {
    function visit(node: tsNamespace.Node): tsNamespace.Node {
      if (!ts.isShorthandPropertyAssignment(node) || !isEarlier(node)) return ts.visitEachChild(node, visit, context);
      const name = node.name.text;
      const variable = factory.createPropertyAccessExpression(factory.createIdentifier('exports'), name);
      const fallback = node.objectAssignmentInitializer;
      const value =
        fallback === undefined ? variable : factory.createAssignment(variable, ts.visitNode(fallback, visit, ts.isExpression) ?? fallback);
      return ts.setTextRange(factory.createPropertyAssignment(name, value), node);
    }
    return ts.visitNode(file, visit, ts.isSourceFile) ?? file;
  };

  /** tslab declares the variables of earlier cells in a file of this name. */
  function isEarlier(node: tsNamespace.ShorthandPropertyAssignment): boolean {
    const declarations = checker.getShorthandAssignmentValueSymbol(node)?.declarations ?? [];
    return declarations.some((declaration) => declaration.getSourceFile().fileName.endsWith('__prev__.d.ts'));
  }
}
