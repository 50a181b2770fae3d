/** What a session has used, of how much it may, and what it will take. */
import { el, Part, setAttributes, setText, show } from './dom';
import { CardModel } from './host';
import { isObject, JsonObject, Snapshot } from './types';
import { amountWord, asText, usageWords, Words } from './words';

/** From this part of a budget on the meter warns. */
const NEARLY = 0.8;

/** Draw the model and the sums; a bar where a budget ends the work. */
export class Usage implements Part<Snapshot> {
  readonly node = el('span', { class: 'jr-usage' });

  constructor(private readonly trans: Words) {
    this.bar.append(this.fill);
    this.node.append(this.bar, this.words);
  }

  update({ usage, options }: Snapshot): void {
    if (usage === this.drawn) {
      return;
    }
    this.drawn = usage;
    const budget = isObject(options.budget) ? options.budget : {};
    const nearest = nearestCap(usage, budget);
    const cap = nearest && amountWord(this.trans, nearest.name, nearest.cap);
    const { model } = options;
    const shown = [
      typeof model === 'string' && model !== 'extractive' ? model : '',
      ...usageWords(this.trans, usage),
      options.local_only === true ? this.trans.__('local only') : '',
      nearest
        ? this.trans.__('%1 % of the budget of %2', percent(nearest.part), cap)
        : budgetWords(this.trans, budget)
    ].filter(words => words);
    setText(this.words, shown.join(' · '));
    show(this.bar, nearest !== null);
    if (nearest) {
      setAttributes(this.node, { 'data-nearly': nearest.part >= NEARLY });
      this.fill.style.transform = `scaleX(${Math.min(1, nearest.part)})`;
    }
  }

  private drawn: JsonObject | null = null;
  private readonly fill = el('span', { class: 'jr-bar-fill' });
  private readonly bar = el('span', { class: 'jr-bar jr-meter', 'aria-hidden': 'true', hidden: true });
  private readonly words = el('span');
}

/** Say a part that is not nothing so that it does not look like nothing. */
function percent(part: number): string {
  return part > 0 && part < 0.01 ? '<1' : String(Math.floor(part * 100));
}

/** Say how much may be used, before there is a share of it to show. */
function budgetWords(trans: Words, budget: JsonObject): string {
  const caps = usageWords(trans, budget).join(', ');
  return caps && trans.__('budget %1', caps);
}

/** Give the cap that is nearest to being reached. */
function nearestCap(
  usage: JsonObject,
  budget: JsonObject
): { readonly name: string; readonly cap: number; readonly part: number } | null {
  const caps = Object.entries(budget).flatMap(([name, cap]) => {
    const used = usage[name];
    return typeof cap === 'number' && cap > 0 && typeof used === 'number'
      ? [{ name, cap, part: used / cap }]
      : [];
  });
  return caps.sort((one, other) => other.part - one.part)[0] ?? null;
}

/** Say what the work will take, where the server says so with its proposal. */
export function estimateOf({ snapshot, events }: CardModel): string {
  const asked = events.filter(({ kind }) => kind === 'approval_requested').pop();
  const { proposal } = snapshot;
  const given = [
    (snapshot as unknown as JsonObject).estimate,
    isObject(proposal) ? proposal.estimate : null,
    asked?.detail.estimate
  ].find(one => one !== null && one !== undefined);
  const sentence = isObject(given) ? asText(given.sentence) : asText(given);
  // The built-in researcher's question says it already.
  return snapshot.question?.includes(sentence) ? '' : sentence;
}
