/** The words of verdicts: what code found when it compared a claim with its passages. */
import { Verdict } from './types';
import { Words } from './words';

export function verdictWord(trans: Words, verdict: Verdict): string {
  switch (verdict) {
    case 'verbatim':
      return trans.__('verbatim');
    case 'repaired':
      return trans.__('repaired');
    case 'terms match':
      return trans.__('terms match');
    case 'terms missing':
      return trans.__('terms missing');
    case 'uncited':
      return trans.__('uncited');
    default:
      return String(verdict);
  }
}

/** Say in a sentence what the verdict means. */
export function verdictSentence(trans: Words, verdict: Verdict): string {
  switch (verdict) {
    case 'verbatim':
      return trans.__('These words stand in the source.');
    case 'repaired':
      return trans.__('The quote was corrected to the words of the source.');
    case 'terms match':
      return trans.__('The terms of the claim stand in the cited passage.');
    case 'terms missing':
      return trans.__(
        'Terms of the claim are missing in the cited passage: check it.'
      );
    case 'uncited':
      return trans.__('No source was found for this.');
    default:
      return '';
  }
}
