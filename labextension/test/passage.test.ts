import assert from 'node:assert/strict';
import test from 'node:test';
import { around } from '../src/passage';

test('spans count code points, not UTF-16 units', () => {
  const text = '🔎🔎 before “quoted 🧪 words” after';
  const points = Array.from(text);
  const start = points.indexOf('“') + 1;
  const end = points.indexOf('”');
  const [before, quote, after] = around(text, { start, end });
  assert.equal(quote, 'quoted 🧪 words');
  assert.equal(before + quote + after, text);
});

test('what surrounds a quote begins and ends with whole words', () => {
  const text = 'word '.repeat(400) + 'QUOTE' + ' word'.repeat(400);
  const [before, quote, after] = around(text, { start: 2000, end: 2005 });
  assert.equal(quote, 'QUOTE');
  assert.match(before, /^… (word )+$/);
  assert.match(after, /^( word)+ …$/);
});
