// Escaping: names and texts of models are data in every language they are shown in.

export { escapeHtml } from '../base/html.ts';

/**
 * Text as a label of a plotly figure. Plotly reads tags (<b>, <br>, <a href>) and entities in
 * labels and TeX between dollar signs; line breaks and control characters become spaces.
 */
export function plotText(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, ' ')
    .replace(/[&<>$]/g, (character) => PLOT_ENTITIES[character] ?? character);
}

const PLOT_ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', $: '&#36;' };

/** A value as a JavaScript literal that is safe inside a <script> element. */
export function scriptLiteral(value: unknown): string {
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
