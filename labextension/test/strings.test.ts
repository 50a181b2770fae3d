import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import ts from 'typescript';

/** What people read without a translation: names. */
const NAMES = new Set(['Markdown', 'HTML', 'PDF', 'Word', 'BibTeX']);

/** Attributes that people read, or hear. */
const READ = new Set(['title', 'aria-label', 'placeholder', 'alt', 'label', 'caption', 'category']);

/** Which argument of a function is looked at. */
const SHOWN: Readonly<Record<string, number>> = { button: 0, setText: 1, say: 0, Error: 0 };

/** Functions of which every argument from there on is. */
const CHILDREN: Readonly<Record<string, number>> = { el: 2, append: 0 };

/** Give each text in a file that people could read and that no translator gets, as `line: text`. */
function bare(name: string, text: string): string[] {
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2020, true);
  const found: string[] = [];
  const look = (node: ts.Node): void => {
    if (isLiteral(node) && isForPeople(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      found.push(`${name}:${line + 1}: ${node.getText()}`);
    }
    ts.forEachChild(node, look);
  };
  look(file);
  return found;
}

type Literal = ts.StringLiteral | ts.NoSubstitutionTemplateLiteral | ts.TemplateExpression;

function isLiteral(node: ts.Node): node is Literal {
  return ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateExpression(node);
}

function isForPeople(node: Literal): boolean {
  const text = ts.isTemplateExpression(node)
    ? [node.head, ...node.templateSpans.map(({ literal }) => literal)].map(part => part.text).join('…')
    : node.text;
  if (!/\p{L}/u.test(text) || NAMES.has(text) || isTranslated(node) || isName(node)) {
    return false;
  }
  // A sentence is one wherever it stands; a word alone is for people where it is shown.
  return /\p{L}{2,}[,:]? \p{L}+.*[.!?:…]$|^\p{Lu}\p{L}+ \p{L}+/u.test(text) || isShown(node);
}

/** Tell whether it is what a translator is called with, literally. */
function isTranslated(node: ts.Node): boolean {
  const call = node.parent;
  return ts.isCallExpression(call) && /(^|\.)trans\.(__|_n)$/.test(call.expression.getText());
}

/** Tell the names of modules, types, keys and cases from texts. */
function isName({ parent }: ts.Node): boolean {
  return (
    ts.isImportDeclaration(parent) ||
    ts.isLiteralTypeNode(parent) ||
    ts.isCaseClause(parent) ||
    ts.isElementAccessExpression(parent) ||
    isOfPlugin(parent) ||
    (ts.isBinaryExpression(parent) && /^[!=]==$/.test(parent.operatorToken.getText()))
  );
}

/** Tell what JupyterLab says of plugins, which it has in English only. */
function isOfPlugin(parent: ts.Node): boolean {
  return (
    (ts.isNewExpression(parent) && parent.expression.getText() === 'Token') ||
    (ts.isPropertyAssignment(parent) && parent.name.getText() === 'description')
  );
}

/** Follow a text up to the argument, the attribute or the property that it becomes. */
function isShown(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isCallExpression(parent) || ts.isNewExpression(parent)) {
    const called = parent.expression.getText().split('.').pop() ?? '';
    const place = (parent.arguments ?? ([] as unknown as ts.NodeArray<ts.Expression>)).indexOf(node as ts.Expression);
    const shown = place === SHOWN[called] || place >= (CHILDREN[called] ?? Infinity);
    return shown || (called === 'setAttribute' && place === 1 && reads(parent));
  }
  if (ts.isPropertyAssignment(parent)) {
    return parent.initializer === node && READ.has(parent.name.getText().replace(/'/g, ''));
  }
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
    return /\.(textContent|title|label|caption|placeholder|ariaLabel)$/.test(parent.left.getText());
  }
  const passedOn = ts.isConditionalExpression(parent) || ts.isBinaryExpression(parent) || ts.isParenthesizedExpression(parent);
  return passedOn && isShown(parent);
}

function reads(call: ts.CallExpression | ts.NewExpression): boolean {
  return READ.has((call.arguments?.[0].getText() ?? '').replace(/'/g, ''));
}

const SOURCES = readdirSync('src').filter(name => name.endsWith('.ts'));

test('every text that people read goes through the translator', () => {
  const found = SOURCES.flatMap(name => bare(name, readFileSync(`src/${name}`, 'utf8')));
  assert.deepEqual(found, []);
});

test('what a translator is called with is a text, so that it can be gathered', () => {
  for (const name of SOURCES) {
    const text = readFileSync(`src/${name}`, 'utf8');
    const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2020, true);
    const look = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && /(^|\.)trans\.__$/.test(node.expression.getText())) {
        assert.ok(ts.isStringLiteral(node.arguments[0]), `${name}: ${node.getText()}`);
      }
      ts.forEachChild(node, look);
    };
    look(file);
  }
});

for (const line of [
  "button('Go', 'x', f)",
  "el('p', {}, 'Hello')",
  "el('p', { title: 'Hello' })",
  "el('p', {}, open ? 'yes' : trans.__('no'))",
  "setText(node, done || 'nothing')",
  "setText(node, `${count} left`)",
  "node.textContent = 'ready'",
  "node.setAttribute('aria-label', 'Close')",
  "commands.addCommand(OPEN, { label: 'Open' })",
  "throw new Error('no')",
  "const word = 'The server is gone.'",
  "say(trans.__('It is ' + 'there'))"
]) {
  test(`a bare text is found in: ${line}`, () => {
    assert.equal(bare('line.ts', line).length > 0, true);
  });
}

for (const line of [
  "button(trans.__('Go'), 'jr-button jr-primary', f)",
  "el('p', { class: 'jr-hint', role: 'alert' }, this.trans.__('Hello %1', name))",
  "setText(node, this.trans._n('%1 step', '%1 steps', count))",
  "setText(node, `${part} %`)",
  "if (event.key === 'Escape') { show(node, false) }",
  "import { Widget } from '@lumino/widgets'",
  "type State = 'queued' | 'planning'"
]) {
  test(`no bare text is found in: ${line}`, () => {
    assert.deepEqual(bare('line.ts', line), []);
  });
}
