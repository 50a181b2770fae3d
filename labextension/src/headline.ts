/** The sentence at the head of a report: what was compared, and what nobody has checked. */
import { Citation, Claim, Report } from './types';
import { Words } from './words';

export function headline(report: Report, trans: Words): string {
  const known = new Map(report.sources.map(source => [source.id, source]));
  const standing = ({ citations }: Claim): Citation[] =>
    citations.filter(({ source }) => known.has(source));
  const all = report.sections.flatMap(({ claims }) => claims);
  const claims = all.filter(({ note }) => !note);
  const cited = claims.filter(claim => standing(claim).length);
  if (!cited.length) {
    return trans.__('Nothing in this report was checked: it cites no passage of a source.');
  }
  const quotes = all.filter(({ verdict }) => verdict !== 'repaired').flatMap(standing);
  const count = new Set(quotes.map(({ source, start, end }) => `${source} ${start} ${end}`)).size;
  const used = [...new Set(quotes.map(({ source }) => source))];
  const where = used.every(source => !known.get(source)?.url)
    ? trans.__('%1 of your files', used.length)
    : trans._n('%1 source', '%1 sources', used.length);
  return [
    count
      ? trans._n(
          '%1 quote found word for word in %2.',
          '%1 quotes found word for word in %2.',
          count,
          where
        )
      : trans.__('No quote was found word for word.'),
    trans.__(
      'Nobody has checked that the sources are right, or that a quote means what its section says.'
    ),
    cited.length < claims.length
      ? trans.__('%1 of %2 sentences cite a passage.', cited.length, claims.length)
      : ''
  ]
    .filter(Boolean)
    .join(' ');
}
