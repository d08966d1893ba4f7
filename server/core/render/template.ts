import { inflated } from '../original/inflate.ts';
import { xmlText } from '../original/svg-document.ts';

/** Where the text of a template goes. */
const PLACE = '{text}';
/** Comments, CDATA, instructions and tags: what stands between them is text. */
const MARKUP = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<(?:[^<>"']|"[^"]*"|'[^']*')*>/g;
/** What is inside these is a language of its own. */
const LANGUAGE = /^<(\/?)(?:[\w.-]+:)?(?:style|script)[\s/>]/i;

const escaped = (text: string): string => text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

/**
 * An SVG with a text in place of each `{text}` that is a text of the drawing. Those in attributes, styles, scripts,
 * comments and CDATA stay as they are: there a text could become something else.
 *
 * @param text  of anybody who may sign
 * @returns     in UTF-8; undefined where there is no place for it
 */
export function fillTemplate(svg: Uint8Array, text: string): Buffer | undefined {
  const template = xmlText(inflated(svg));
  const [shown, pieces] = [escaped(text), [] as string[]];
  let [end, isLanguage, isFilled] = [0, false, false];
  const add = (piece: string) => {
    const isPlace = !isLanguage && piece.includes(PLACE);
    isFilled ||= isPlace;
    pieces.push(isPlace ? piece.replaceAll(PLACE, () => shown) : piece);
  };
  for (const { 0: markup, index } of template.matchAll(MARKUP)) {
    add(template.slice(end, index));
    pieces.push(markup);
    end = index + markup.length;
    const language = LANGUAGE.exec(markup);
    if (language) isLanguage = language[1] === '' && !markup.endsWith('/>');
  }
  add(template.slice(end));
  return isFilled ? Buffer.from(pieces.join('')) : undefined;
}
