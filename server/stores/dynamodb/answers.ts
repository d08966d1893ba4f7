import { isSetBack } from '../../shared/set-back.ts';
import type { Answers, Attempt, KeptAnswer, Standing } from '../answers.ts';
import { AGAIN, untilWritten } from '../until-written.ts';
import type { Table } from './table.ts';
import type { Item, Key } from './writes.ts';

/** UTF-16 units of a body in one item, which may have 400 KB. */
const PART_LENGTH = 100_000;

const answerKey = (key: string): Key => ({ pk: `answer#${key}`, sk: 'answer' });
const partKey = (key: string, owner: string, index: number): Key => ({
  pk: `answer#${key}`,
  sk: `part#${owner}#${String(index).padStart(6, '0')}`,
});

/** DynamoDB removes what has expired within days only, so the time is looked at as well. */
export class DynamoAnswers implements Answers {
  readonly #table: Table;

  constructor(table: Table) {
    this.#table = table;
  }

  take(key: string, { owner, seed, holdSeconds, keepSeconds }: Attempt): Promise<Standing> {
    return untilWritten(`The answer to ${key}`, async (): Promise<Standing | typeof AGAIN> => {
      const now = Date.now();
      const items = await this.#table.queryAll({ where: '#pk = :pk', with: { ':pk': answerKey(key).pk } });
      const found = items.find(({ sk }) => sk === 'answer');
      const isKnown = found !== undefined && Number(found['expires']) * 1000 > now;
      if (isKnown && found['answer'] !== undefined)
        return { state: 'answered', answer: answerOf(found, items) };
      const heldUntil = Number(found?.['heldUntil'] ?? 0);
      const isHeld = heldUntil > now && !isSetBack(heldUntil, now, holdSeconds);
      if (isKnown && found['owner'] !== owner && isHeld) return { state: 'held' };
      const first = isKnown ? String(found['seed']) : seed;
      const times = { heldUntil: now + holdSeconds * 1000, expires: Math.ceil(now / 1000 + keepSeconds) };
      const written = await this.#table.write({
        put: { ...answerKey(key), owner, seed: first, ...times },
        if: found ? '#owner = :was AND #heldUntil = :heldUntil' : 'attribute_not_exists(#pk)',
        with: found ? { ':was': found['owner'], ':heldUntil': found['heldUntil'] } : {},
      });
      return written ? { state: 'taken', seed: first } : AGAIN;
    });
  }

  async keep(key: string, owner: string, { body, ...rest }: KeptAnswer, seconds: number): Promise<boolean> {
    const expires = Math.ceil(Date.now() / 1000 + seconds);
    const parts = partsOf(body);
    const [only, second] = parts;
    if (second !== undefined)
      for (const [index, part] of parts.entries()) {
        await this.#table.write({ put: { ...partKey(key, owner, index), part, expires } });
      }
    const answer = { ...rest, ...(second === undefined ? { body: only ?? '' } : { parts: parts.length }) };
    const written = await this.#table.write({
      update: answerKey(key),
      set: { answer, heldUntil: 0, expires },
      if: '#owner = :owner',
      with: { ':owner': owner },
    });
    return written !== undefined;
  }

  async release(key: string, owner: string): Promise<void> {
    await this.#table.write({
      update: answerKey(key),
      set: { heldUntil: 0 },
      if: '#owner = :owner AND attribute_not_exists(#answer)',
      with: { ':owner': owner },
    });
  }
}

function partsOf(body: string): string[] {
  const count = Math.ceil(body.length / PART_LENGTH);
  return Array.from({ length: count }, (_, n) => body.slice(n * PART_LENGTH, (n + 1) * PART_LENGTH));
}

/** The parse boundary: what this store wrote is taken at its word. */
function answerOf({ owner, answer }: Item, items: readonly Item[]): KeptAnswer {
  const { parts, ...rest } = answer as KeptAnswer & { parts?: number };
  if (parts === undefined) return rest;
  const own = items.filter(({ sk }) => String(sk).startsWith(`part#${owner}#`));
  return { ...rest, body: own.map(({ part }) => part).join('') };
}
