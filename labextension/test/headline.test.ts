import assert from 'node:assert/strict';
import test from 'node:test';
import { headline } from '../src/headline';
import { Citation, Claim, Report, Source, Verdict } from '../src/types';
import { PLAIN } from '../src/words';

const NOBODY =
  'Nobody has checked that the sources are right, or that a quote means what its section says.';

const cite = (source: string, start: number): Citation => ({
  source,
  start,
  end: start + 5,
  quote: 'words'
});

const claim = (verdict: Verdict, ...citations: Citation[]): Claim => ({
  id: `c${citations.length}`,
  text: 'words',
  verdict,
  citations
});

function report(claims: readonly Claim[], urls: readonly (string | undefined)[] = [undefined]): Report {
  const sources = urls.map(
    (url, index): Source => ({
      id: `s${index}`,
      number: index + 1,
      kind: 'file',
      title: `Source ${index}`,
      authors: [],
      year: null,
      doi: null,
      pages: null,
      ...(url ? { url } : { path: `${index}.md` })
    })
  );
  return { sections: [{ heading: 'Words', claims }], sources } as unknown as Report;
}

const say = (...given: Parameters<typeof report>): string => headline(report(...given), PLAIN);

test('a quote that two sentences rest on is counted once', () => {
  const twice = [claim('verbatim', cite('s0', 0)), claim('verbatim', cite('s0', 0), cite('s0', 9))];
  assert.equal(say(twice), `2 quotes found word for word in 1 of your files. ${NOBODY}`);
});

test('sources that are online are no files of yours', () => {
  const both = [claim('verbatim', cite('s0', 0)), claim('terms match', cite('s1', 0))];
  const found = say(both, [undefined, 'https://example.org/']);
  assert.equal(found, `2 quotes found word for word in 2 sources. ${NOBODY}`);
  const one = say([claim('verbatim', cite('s0', 0))], ['https://example.org/']);
  assert.equal(one, `1 quote found word for word in 1 source. ${NOBODY}`);
});

test('what was put right was not found word for word', () => {
  const found = say([claim('repaired', cite('s0', 0))]);
  assert.equal(found, `No quote was found word for word. ${NOBODY}`);
});

test('sentences that cite nothing are counted, and notes are not', () => {
  const note: Claim = { ...claim('uncited'), note: true };
  const found = say([claim('verbatim', cite('s0', 0)), claim('uncited'), note]);
  assert.match(found, /1 of 2 sentences cite a passage\.$/);
});

test('a report that cites no source that is there says that nothing was checked', () => {
  const nothing = 'Nothing in this report was checked: it cites no passage of a source.';
  assert.equal(say([claim('uncited'), claim('verbatim', cite('gone', 0))]), nothing);
});
