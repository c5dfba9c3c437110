'use strict';

const fs = require('node:fs');
const path = require('node:path');

const ts = require('@tsd/typescript');

const memory64 = require('../../native.js');

const file = path.join(__dirname, '..', '..', 'js', 'index.d.ts');
const source = ts.createSourceFile(
  file,
  fs.readFileSync(file, 'utf8'),
  ts.ScriptTarget.Latest,
  true, // sets the parents, which the search for comments needs
);

/** What the types declare, as [name, node]: exports, and the members of those that have some. */
function* declarations() {
  for (const node of source.statements) {
    const name = node.name.getText();
    yield [name, node];
    for (const member of node.members ?? []) {
      if (member.name) yield [`${name}.${member.name.getText()}`, member];
    }
  }
}

test('every name of the types is documented', () => {
  const bare = Array.from(declarations()).filter(
    ([, node]) => !ts.getJSDocCommentsAndTags(node)[0],
  );
  expect(bare.map(([name]) => name)).toEqual([]);
});

/** As the types write it; Node 20 calls its own symbols "nodejs.dispose" and so on. */
function written(key) {
  if (typeof key === 'string') return key;
  return `[${key.description.replace('nodejs', 'Symbol')}]`;
}

test('every name of the package is in the types', () => {
  const declared = Array.from(declarations(), ([name]) => name);
  for (const [name, value] of Object.entries(memory64)) {
    const members = Reflect.ownKeys(value.prototype ?? {}).filter((key) => key !== 'constructor');
    const names = members.map((key) => `${name}.${written(key)}`);
    expect([name, ...names].filter((each) => !declared.includes(each))).toEqual([]);
  }
});
