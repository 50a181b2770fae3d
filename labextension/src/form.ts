/** The form for a new session: a topic, what to read for it, and who thinks. */
import { button, el, setAttributes, setText, show } from './dom';
import { JsonObject } from './types';
import { Words } from './words';

/** What can be chosen on this server. */
export interface Choices {
  readonly models: readonly Choice[];
  readonly libraries: readonly Choice[];
  /** Services on the web, which get words of the topic. */
  readonly sources: readonly Choice[];
  /** The person's own model for all sessions; empty where they chose none. */
  readonly model: string;
  /** The same for the number of analysts; absent where they chose none. */
  readonly analysts?: number;
}

/** One of them. */
export interface Choice {
  readonly name: string;
  readonly description: string;
}

/** What the form asks of the application. */
export interface FormHost {
  start(body: JsonObject): Promise<void>;
  choices(): Promise<Choices>;
  askForFiles?(): Promise<readonly string[]>;
}

/** So many analysts has a session for which nobody chose a number. */
const ANALYSTS = 3;

/** Ask for a topic and what to read for it. */
export class NewSession {
  readonly node: HTMLFormElement;
  /** Opens the form, and stands for it while it is closed. */
  readonly opener: HTMLButtonElement;

  constructor(
    private readonly host: FormHost,
    private readonly trans: Words
  ) {
    this.opener = button(trans.__('New session'), 'jr-button jr-primary', () => this.toggle(true));
    const add = button(trans.__('Add files…'), 'jr-button', () => void this.addFiles());
    const start = el('button', { type: 'submit', class: 'jr-button jr-primary' }, trans.__('Start'));
    const close = button(trans.__('Close'), 'jr-button', () => this.close());
    show(add, host.askForFiles !== undefined);
    this.model.addEventListener('input', () => this.tell());
    setAttributes(this.topic, { placeholder: trans.__('What do you want to know?') });
    setAttributes(this.sources, { placeholder: trans.__('documents of the server’s folder') });
    this.node = el(
      'form',
      { class: 'jr-new', hidden: true },
      field(trans.__('Topic'), this.topic),
      field(trans.__('Sources: files, folders or libraries'), this.sources),
      el('div', { class: 'jr-new-row' }, add, this.libraries),
      field(trans.__('Model'), this.model),
      this.models,
      this.about,
      field(trans.__('Analysts'), this.analysts),
      this.problem,
      el('div', { class: 'jr-new-row' }, start, close)
    );
    this.node.setAttribute('aria-label', trans.__('New session'));
    this.node.addEventListener('submit', event => {
      event.preventDefault();
      void this.start();
    });
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        this.close();
      }
    });
  }

  toggle(open: boolean): void {
    show(this.node, open);
    show(this.opener, !open);
    if (open) {
      this.topic.focus();
      void this.offer();
    }
  }

  private close(): void {
    this.toggle(false);
    this.opener.focus();
  }

  /** Offer what the server has; without an answer its defaults do. */
  private async offer(): Promise<void> {
    const nothing: Choices = { models: [], libraries: [], sources: [], model: '' };
    const choices = await this.host.choices().catch(() => nothing);
    this.offered = choices.models;
    this.models.replaceChildren(
      ...choices.models.map(({ name, description }) => el('option', { value: name }, description))
    );
    const usual = choices.model || this.trans.__('as the server has it');
    setAttributes(this.model, { placeholder: usual });
    setAttributes(this.analysts, { placeholder: choices.analysts ?? ANALYSTS });
    this.libraries.replaceChildren(
      ...[...choices.libraries, ...choices.sources].map(choice => this.offerSource(choice))
    );
    this.tell();
  }

  private offerSource({ name, description }: Choice): HTMLElement {
    const offer = button(`+ ${name}`, 'jr-link', () => this.add([name]));
    setAttributes(offer, { title: description });
    return offer;
  }

  /** Say what the chosen model needs, as the server puts it. */
  private tell(): void {
    const chosen = this.model.value.trim() || this.model.placeholder;
    const about = this.offered.find(({ name }) => name === chosen)?.description ?? '';
    setText(this.about, about);
    show(this.about, about !== '');
  }

  private async addFiles(): Promise<void> {
    this.add((await this.host.askForFiles?.()) ?? []);
  }

  private add(names: readonly string[]): void {
    const known = this.named();
    const fresh = names.filter(name => !known.includes(name));
    this.sources.value = [...known, ...fresh].join('\n');
  }

  private named(): string[] {
    return this.sources.value
      .split('\n')
      .map(name => name.trim())
      .filter(name => name);
  }

  private async start(): Promise<void> {
    const topic = this.topic.value.trim();
    if (!topic || this.node.hasAttribute('aria-busy')) {
      return this.topic.focus();
    }
    this.node.setAttribute('aria-busy', 'true');
    this.say('');
    try {
      await this.host.start({ topic, options: this.options() });
      this.topic.value = '';
      this.toggle(false);
    } catch (error) {
      this.say((error as Error).message);
    } finally {
      this.node.removeAttribute('aria-busy');
    }
  }

  private options(): JsonObject {
    const sources = this.named();
    const model = this.model.value.trim();
    const analysts = this.analysts.valueAsNumber;
    // What is left empty is chosen by the server, which knows one's choices for all sessions.
    return {
      ...(analysts ? { analysts } : {}),
      ...(sources.length ? { sources } : {}),
      ...(model ? { model } : {})
    };
  }

  private say(sentence: string): void {
    setText(this.problem, sentence);
    show(this.problem, sentence !== '');
  }

  private readonly topic = el('textarea', { class: 'jr-field', rows: 2 });
  private readonly sources = el('textarea', { class: 'jr-field', rows: 1 });
  private readonly analysts = el('input', {
    type: 'number',
    class: 'jr-field jr-number',
    min: 1,
    max: 10,
    placeholder: ANALYSTS
  });
  private offered: readonly Choice[] = [];
  private readonly models = el('datalist', { id: 'jr-models' });
  private readonly model = el('input', { type: 'text', class: 'jr-field', list: 'jr-models' });
  private readonly about = el('p', { class: 'jr-hint', hidden: true });
  private readonly libraries = el('span', { class: 'jr-new-libraries' });
  private readonly problem = el('p', { class: 'jr-refusal', role: 'alert', hidden: true });
}

function field(label: string, input: HTMLElement): HTMLElement {
  return el('label', { class: 'jr-new-field' }, el('span', {}, label), input);
}
