// SPDX-License-Identifier: EUPL-1.2
// Makes sense of a list of people that somebody pastes: from a mail's header, a spreadsheet, one below the other.

/** Somebody with an address. */
export interface Addressee {
  readonly email: string;
  readonly name: string;
}

/** What was understood, and what was not. */
export interface ReadAddresses {
  readonly found: readonly Addressee[];
  readonly unreadable: readonly string[];
}

/** The server has the last word; this finds slips of the pen. */
const ADDRESS = /^[^\s@<>"(),;:]+@[^\s@<>"(),;:]+\.[^\s@<>"(),;:.]{2,}$/;

/** Reads addresses divided by commas, semicolons, line ends or tabs, each as `a@b.c`, `Name <a@b.c>` or `Name a@b.c`. */
export function readAddresses(text: string): ReadAddresses {
  const found = new Map<string, Addressee>();
  const unreadable: string[] = [];
  // Columns of a spreadsheet: the names, then the address.
  const inBrackets = text.replace(/^([^@\t\r\n]+(?:\t[^@\t\r\n]+)*)\t([^\s@<>]+@[^\s@<>]+)/gm, (_, names: string, email: string) =>
    `${names.replaceAll('\t', ' ')} <${email}>\n`,
  );
  for (const piece of pieces(inBrackets)) {
    const read = readOne(piece);
    if (read === null) {
      // Several addresses with nothing but spaces between them.
      const words = piece.split(/\s+/);
      if (words.length > 1 && words.every((word) => ADDRESS.test(word))) {
        for (const email of words) found.set(email.toLowerCase(), { email, name: '' });
      } else unreadable.push(piece);
    } else if (!found.has(read.email.toLowerCase())) found.set(read.email.toLowerCase(), read);
  }
  return { found: [...found.values()], unreadable };
}

/** Divides at separators outside quotes: a name may have a comma in it. */
function pieces(text: string): readonly string[] {
  const all: string[] = [];
  let piece = '';
  let isQuoted = false;
  for (const char of text) {
    if (char === '"') isQuoted = !isQuoted;
    const isLineEnd = char === '\n' || char === '\r';
    // A quote that never ends must not swallow the following lines.
    if (isLineEnd) isQuoted = false;
    if (isLineEnd || (!isQuoted && /[,;\t]/.test(char))) {
      all.push(piece);
      piece = '';
    } else piece += char;
  }
  all.push(piece);
  return joinNames(all.map((one) => one.trim()).filter((one) => one !== ''));
}

/** `Muster, Anna <a@b.c>` was divided at the comma of the name. */
function joinNames(all: readonly string[]): readonly string[] {
  const joined: string[] = [];
  for (const piece of all) {
    const last = joined.at(-1);
    if (last !== undefined && !last.includes('@') && /^[^@<]+<[^<>]+>$/.test(piece)) joined[joined.length - 1] = `${last}, ${piece}`;
    else joined.push(piece);
  }
  return joined;
}

function readOne(piece: string): Addressee | null {
  const bracketed = /^(.*)<\s*(?:mailto:)?([^<>]+?)\s*>$/i.exec(piece);
  const plain = /^(.*\s)?(?:mailto:)?(\S+)$/i.exec(piece);
  const [, name = '', email = ''] = bracketed ?? plain ?? [];
  if (!ADDRESS.test(email) || (bracketed === null && name.includes('@'))) return null;
  return { email, name: tidyName(name) };
}

/** Without quotes; `Muster, Anna` is Anna Muster. */
function tidyName(name: string): string {
  const bare = name.trim().replace(/^["']+|["']+$/g, '').trim();
  const [last, first, ...more] = bare.split(',').map((part) => part.trim());
  return first !== undefined && first !== '' && more.length === 0 ? `${first} ${last}` : bare;
}
