/** The team as editable rows: rename, rewrite, add, drop. */
import { button, el, setAttributes, show } from './dom';
import { JsonObject } from './types';
import { asText, Words } from './words';

/** The built-in researcher takes this many. */
const MAX_ANALYSTS = 10;

const FIELDS = ['name', 'role', 'affiliation', 'description'] as const;
type Field = (typeof FIELDS)[number];

/** Edit `{analysts: [{id, name, role, affiliation, description}]}`. */
export class TeamEditor {
  readonly node: HTMLElement;

  constructor(
    private readonly given: JsonObject,
    private readonly trans: Words
  ) {
    this.add = button(trans.__('Add an analyst'), 'jr-button jr-add', () =>
      this.onAdd()
    );
    this.node = el('div', { class: 'jr-team' }, this.list, this.add);
    this.list.setAttribute('aria-label', trans.__('Proposed analysts'));
    for (const analyst of given.analysts as JsonObject[]) {
      this.insert(analyst);
    }
    this.original = JSON.stringify(this.team());
  }

  get dirty(): boolean {
    return JSON.stringify(this.team()) !== this.original;
  }

  read(): { proposal: unknown } | { problem: string } {
    const team = this.team();
    if (!team.length) {
      return { problem: this.trans.__('Keep at least one analyst.') };
    }
    const nameless = this.rows.find(row => !row.value('name').trim());
    if (nameless) {
      nameless.focus();
      return { problem: this.trans.__('Give each analyst a name.') };
    }
    return { proposal: { ...this.given, analysts: team } };
  }

  private team(): JsonObject[] {
    return this.rows.map(row => row.read());
  }

  private insert(analyst: JsonObject): Row {
    const row = new Row(analyst, this.trans, () => this.onDrop(row));
    this.rows.push(row);
    this.list.append(row.node);
    this.count();
    return row;
  }

  private onAdd(): void {
    const ids = new Set(this.rows.map(row => row.id));
    let number = this.rows.length + 1;
    while (ids.has(`added-${number}`)) {
      number += 1;
    }
    this.insert({ id: `added-${number}` }).focus();
  }

  private onDrop(row: Row): void {
    const index = this.rows.indexOf(row);
    this.rows.splice(index, 1);
    row.node.remove();
    this.count();
    (this.rows[index] ?? this.rows[index - 1])?.focus();
  }

  private count(): void {
    const many = this.rows.length;
    show(this.add, many < MAX_ANALYSTS);
    for (const row of this.rows) {
      row.allowDrop(many > 1);
    }
  }

  private rows: Row[] = [];
  private readonly original: string;
  private readonly list = el('ol', { class: 'jr-rows' });
  private readonly add: HTMLButtonElement;
}

/** One analyst; the keys that we do not show pass through untouched. */
class Row {
  readonly node: HTMLElement;

  constructor(
    private readonly given: JsonObject,
    trans: Words,
    onDrop: () => void
  ) {
    const label: Record<Field, string> = {
      name: trans.__('Name'),
      role: trans.__('Role'),
      affiliation: trans.__('Affiliation'),
      description: trans.__('What to look for')
    };
    this.drop = button('×', 'jr-button jr-drop', onDrop);
    this.node = el('li', { class: 'jr-row' });
    for (const field of FIELDS) {
      const input = this.inputs[field];
      input.value = asText(given[field]);
      setAttributes(input, {
        'aria-label': label[field],
        placeholder: label[field],
        'data-field': field
      });
      this.node.append(input);
    }
    // Who has no affiliation gets no empty field for one.
    show(this.inputs.affiliation, this.inputs.affiliation.value !== '');
    this.node.append(this.drop);
    const named = (): void => {
      const name = this.value('name').trim();
      const words = name
        ? trans.__('Drop %1', name)
        : trans.__('Drop this analyst');
      setAttributes(this.drop, { 'aria-label': words, title: words });
    };
    this.inputs.name.addEventListener('input', named);
    named();
  }

  get id(): unknown {
    return this.given.id;
  }

  value(field: Field): string {
    return this.inputs[field].value;
  }

  focus(): void {
    this.inputs.name.focus();
  }

  allowDrop(allowed: boolean): void {
    show(this.drop, allowed);
  }

  read(): JsonObject {
    const edited: Record<string, unknown> = { ...this.given };
    for (const field of FIELDS) {
      const text = this.value(field);
      if (text !== asText(this.given[field])) {
        edited[field] = text;
      }
    }
    return edited;
  }

  private readonly drop: HTMLButtonElement;
  private readonly inputs: Record<
    Field,
    HTMLInputElement | HTMLTextAreaElement
  > = {
    name: el('input', { type: 'text', class: 'jr-field jr-name' }),
    role: el('textarea', { class: 'jr-field', rows: 1 }),
    affiliation: el('textarea', { class: 'jr-field', rows: 1 }),
    description: el('textarea', { class: 'jr-field', rows: 2 })
  };
}
