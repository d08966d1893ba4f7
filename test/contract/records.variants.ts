import { randomUUID } from 'node:crypto';
import type { Records } from '../../server/stores/stores.ts';
import type { VariantChange, VariantRecord } from '../../server/stores/variants.ts';
import { waitFor } from '../support/wait.ts';
import { type Case, each, newImage, present, rejection } from './suite.ts';

export function variantCases(it: Case, records: Records): void {
  const imageId = async () => {
    const image = newImage();
    await records.images.create(image);
    return image.id;
  };

  it('queued variants come back in the order asked for, and listed by their form', async (t) => {
    const id = await imageId();
    const names = ['w=200', 'w=100,fmt=webp', 'w=1000', 'W=1', 'w=100'];
    const queued = await records.variants.queue(id, 'v1', names);
    t.same(
      queued.map(({ variant }) => variant),
      names,
    );
    for (const variant of queued) t.match(variant, { id, status: 'queued', version: 'v1', attempts: 0 });
    const listed = await records.variants.list(id);
    t.same(
      listed,
      [...queued].sort((a, b) => (a.variant < b.variant ? -1 : 1)),
    );
  });

  it('remembers by which texts a variant was asked for, whatever becomes of it', async (t) => {
    const id = await imageId();
    const { variants } = records;
    const texts = async () => (await variants.list(id)).map(({ requested }) => requested);
    const [first] = await variants.queue(id, 'v1', ['w=1', 'w=2'], { 'w=1': ['p=a', 'w=01'] });
    t.same(first?.requested, ['p=a', 'w=01']);
    t.same(await texts(), [['p=a', 'w=01'], undefined]);
    await variants.update(id, 'w=1', 'v1', ['queued'], { status: 'ready', bytes: 1, attempt: true });
    const [ready] = await variants.queue(id, 'v1', ['w=1'], { 'w=1': ['p=b', 'p=a'], 'w=2': ['not named'] });
    t.match(ready, { status: 'ready', bytes: 1, attempts: 1, requested: ['w=01', 'p=b', 'p=a'] });
    t.same(await texts(), [['w=01', 'p=b', 'p=a'], undefined]);
    await variants.queue(id, 'v2', ['w=1', 'w=2'], { 'w=2': ['p=c'] });
    t.same(await texts(), [['w=01', 'p=b', 'p=a'], ['p=c']], 'of another version of the original too');
    const many = Array.from({ length: 12 }, (_, n) => `p=${n}`);
    await variants.queue(id, 'v2', ['w=1'], { 'w=1': many });
    t.same((await texts())[0], many.slice(-10), 'the last ten');
    await variants.remove(id, ['w=1']);
    await variants.queue(id, 'v2', ['w=1']);
    t.same(await texts(), [undefined, ['p=c']], 'gone with the variant');
  });

  it('the text that was asked for last is the last one, however many there were and by whomever', async (t) => {
    const id = await imageId();
    const { variants } = records;
    const ask = async (text: string) => {
      const [variant] = await variants.queue(id, 'v1', ['w=1'], { 'w=1': [text] });
      return variant?.requested ?? [];
    };
    for (let turn = 0; turn < 25; turn++) {
      const text = `w=1&q=${(turn * 7) % 13}`;
      const answered = await ask(text);
      t.equal(answered.at(-1), text);
      t.same((await variants.list(id))[0]?.requested, answered, 'as it is stored');
      t.ok(answered.length <= 10 && new Set(answered).size === answered.length);
    }
    const many = Array.from({ length: 6 }, (_, n) => `p=${n}`);
    await Promise.all(many.map(ask));
    t.same(
      [...((await variants.list(id))[0]?.requested ?? [])].slice(-6).sort(),
      many,
      'nobody takes it from another',
    );
  });

  it('counts the variants of many images, and how many of each are done', async (t) => {
    const [a, b, empty] = [await imageId(), await imageId(), await imageId()];
    const statuses = ['queued', 'rendering', 'ready', 'skipped', 'failed', 'expired'] as const;
    await records.variants.queue(a, 'v1', statuses);
    for (const status of statuses.slice(1))
      await records.variants.update(a, status, 'v1', ['queued'], { status });
    await records.variants.queue(b, 'v1', ['w=1']);
    const none = { done: 0, total: 0 };
    const counts = [{ done: 4, total: 6 }, none, { done: 0, total: 1 }, none];
    t.same(await records.variants.counts([a, empty, b, 'gone']), counts);
    await records.images.remove(a);
    await records.images.create(newImage(a));
    t.same(await records.variants.counts([a]), [none], 'none of an image that had the id before');
    t.same(await records.variants.counts([]), []);
  });

  it('takes and lists 250 variants', async (t) => {
    const id = await imageId();
    const names = Array.from({ length: 250 }, (_, n) => `w=${1000 + n}`);
    t.equal((await records.variants.queue(id, 'v1', names)).length, 250);
    t.same(
      (await records.variants.list(id)).map(({ variant }) => variant),
      names,
    );
    await records.images.remove(id);
    await records.images.create(newImage(id));
    t.same(await records.variants.list(id), [], 'and removes them with their image');
  });

  it('pages show each variant once, in order, whatever the limit', async (t) => {
    const id = await imageId();
    const names = Array.from({ length: 23 }, (_, n) => `w=${100 + n}`);
    // One whose name begins another one's, and what sorts before and behind letters.
    names.push('w=1', 'W=1', 'w=1&x=%7E', 'gray', '~');
    await records.variants.queue(id, 'v1', names);
    const all = await records.variants.list(id);
    for (const limit of [1, 5, 27, 28, 29]) {
      const seen: VariantRecord[] = [];
      let pages = 0;
      for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
        const page = await records.variants.page(id, { limit, ...(cursor !== undefined && { cursor }) });
        t.ok(page.items.length <= limit);
        seen.push(...page.items);
        cursor = page.next;
        pages += 1;
      }
      t.same(seen, all, `by ${limit}`);
      t.equal(pages, Math.ceil(names.length / limit));
    }
    t.same(await records.variants.page(randomUUID(), { limit: 5 }), { items: [] });
    const error = await rejection(records.variants.page(id, { limit: 5, cursor: 'x' }));
    t.match(error, { code: 'invalid_parameter' });
    await records.images.bury(id, { token: 'a', delete: 'all' });
    t.same(await records.variants.page(id, { limit: 5 }), { items: [] }, 'none of a tombstone');
  });

  it('variants are those of the image that is there now', async (t) => {
    const id = await imageId();
    const queued = await records.variants.queue(id, 'v1', ['w=1']);
    t.same(await records.variants.list(id), queued);
    t.same(await records.variants.list(randomUUID()), []);
    await records.images.bury(id, { token: 'a', delete: 'all' });
    t.same(await records.variants.list(id), []);
  });

  it('says of a result which pipeline made it and until when it lies there, and of nothing else', async (t) => {
    const id = await imageId();
    await records.variants.queue(id, 'v1', ['w=1']);
    const ready = { status: 'ready', bytes: 4, epoch: '7', expires: '2030-01-01T00:00:00.000Z' } as const;
    t.equal(await records.variants.update(id, 'w=1', 'v1', ['queued'], ready), true);
    t.match(await records.variants.list(id), [ready]);
    t.equal(await records.variants.update(id, 'w=1', 'v1', ['ready'], { status: 'expired' }), true);
    const [expired] = await records.variants.list(id);
    t.match(expired, { status: 'expired' });
    t.notOk('epoch' in present(expired) || 'expires' in present(expired));
    t.match(await records.variants.queue(id, 'v1', ['w=1']), [{ status: 'queued', attempts: 0 }]);
  });

  it('many changes at a time are each made or refused as one alone would be', async (t) => {
    const id = await imageId();
    const names = Array.from({ length: 230 }, (_, n) => `w=${1000 + n}`);
    await records.variants.queue(id, 'v1', names);
    await records.variants.queue(id, 'v2', names.slice(0, 30));
    const change = { status: 'ready', bytes: 3 } as const;
    const updates = [...names, 'w=1'].map((variant) => ({
      variant,
      version: 'v1',
      change,
      from: variant === 'w=1040' ? (['failed'] as const) : (['queued'] as const),
    }));
    const expected = updates.map(
      ({ variant }, index) => index >= 30 && variant !== 'w=1040' && variant !== 'w=1',
    );
    t.same(await records.variants.updateAll(id, updates), expected);
    const ready = (await records.variants.list(id)).filter(({ status }) => status === 'ready');
    t.same(
      ready.map(({ variant }) => variant),
      names.filter((_, index) => expected[index]),
    );
    t.same(await records.variants.updateAll(id, []), []);
  });

  it('forgets variants by name, those that are there', async (t) => {
    const id = await imageId();
    await records.variants.queue(id, 'v1', ['w=1', 'w=2', 'w=3']);
    await records.variants.remove(id, ['w=3', 'w=9', 'w=1']);
    t.match(await records.variants.list(id), [{ variant: 'w=2' }]);
    t.equal(await records.variants.update(id, 'w=1', 'v1', ['queued'], { status: 'ready' }), false);
    await records.variants.remove(id, []);
    await records.variants.remove(randomUUID(), ['w=2']);
    t.match(await records.variants.list(id), [{ variant: 'w=2' }]);
    t.match(await records.variants.queue(id, 'v1', ['w=1']), [{ status: 'queued' }], 'and asked for anew');
  });

  it('queueing again leaves what is under way or done, and starts over what failed, was skipped or has expired', async (t) => {
    const id = await imageId();
    const names = ['queued', 'rendering', 'ready', 'skipped', 'failed', 'expired'] as const;
    await records.variants.queue(id, 'v1', names);
    for (const status of names) {
      if (status === 'queued') continue;
      await records.variants.update(id, status, 'v1', ['queued'], { status, attempt: true, ms: 5 });
    }
    const again = await records.variants.queue(id, 'v1', names);
    t.same(
      again.map(({ status }) => status),
      ['queued', 'rendering', 'ready', 'queued', 'queued', 'queued'],
    );
    t.same(
      again.map(({ attempts }) => attempts),
      [0, 1, 1, 0, 0, 0],
    );
    t.notOk('ms' in (again[4] ?? {}));
    t.same(await records.variants.queue(id, 'v1', ['ready']), [again[2]]);
  });

  it('queueing for another version starts all over', async (t) => {
    const id = await imageId();
    await records.variants.queue(id, 'v1', ['w=1']);
    await records.variants.update(id, 'w=1', 'v1', ['queued'], { status: 'ready', bytes: 9, attempt: true });
    const [queued] = await records.variants.queue(id, 'v2', ['w=1']);
    t.match(queued, { status: 'queued', version: 'v2', attempts: 0 });
    t.notOk('bytes' in present(queued));
    t.equal(await records.variants.update(id, 'w=1', 'v1', ['queued'], { status: 'ready' }), false);
    t.same(await records.variants.list(id), [queued]);
  });

  it('nothing is queued for an image that is not there', async (t) => {
    const id = randomUUID();
    t.same(await records.variants.queue(id, 'v1', ['w=1']), []);
    t.same(await records.variants.list(id), []);
    await records.images.create(newImage(id));
    t.same(await records.variants.list(id), []);
    t.same(await records.variants.queue(id, 'v1', []), []);
  });

  it('a status moves only from where it is expected to be', async (t) => {
    const id = await imageId();
    await records.variants.queue(id, 'v1', ['w=1']);
    const move = (from: 'queued' | 'rendering', to: 'rendering' | 'ready' | 'failed', version = 'v1') =>
      records.variants.update(id, 'w=1', version, [from], { status: to });
    t.equal(await move('rendering', 'ready'), false);
    t.equal(await move('queued', 'rendering', 'v0'), false);
    t.equal(await move('queued', 'rendering'), true);
    t.equal(await move('queued', 'rendering'), false);
    t.equal(await move('rendering', 'ready'), true);
    t.equal(await move('rendering', 'failed'), false);
    t.equal(await records.variants.update(id, 'w=2', 'v1', ['queued'], { status: 'ready' }), false);
    t.equal(await records.variants.update(randomUUID(), 'w=1', 'v1', ['queued'], { status: 'ready' }), false);
    t.same(
      (await records.variants.list(id)).map(({ status }) => status),
      ['ready'],
    );
  });

  it('counts attempts, and says bytes, time and error of the present status only', async (t) => {
    const id = await imageId();
    await records.variants.queue(id, 'v1', ['w=1']);
    const any = ['queued', 'rendering', 'failed'] as const;
    const change = async (change: VariantChange) => {
      const before = Date.now();
      t.equal(await records.variants.update(id, 'w=1', 'v1', any, change), true);
      const { updatedAt, queuedAt: _when, ...variant } = present((await records.variants.list(id))[0]);
      t.ok(Date.parse(updatedAt) >= before && Date.parse(updatedAt) <= Date.now());
      return variant;
    };
    const known = { id, variant: 'w=1', version: 'v1' };
    t.same(await change({ status: 'rendering', attempt: true }), {
      ...known,
      status: 'rendering',
      attempts: 1,
    });
    const failed = { status: 'failed', error: 'no memory', ms: 3, sameAs: 'w=2' } as const;
    t.same(await change(failed), { ...known, ...failed, attempts: 1 });
    t.same(await change({ status: 'rendering', attempt: true }), {
      ...known,
      status: 'rendering',
      attempts: 2,
    });
    const ready = { status: 'ready', bytes: 0, ms: 12.5 } as const;
    t.same(await change(ready), { ...known, ...ready, attempts: 2 });
  });

  it('says when a variant was queued, whatever becomes of it, until it is queued anew', async (t) => {
    const id = await imageId();
    const [first] = await records.variants.queue(id, 'v1', ['w=1']);
    t.equal(first?.queuedAt, first?.updatedAt);
    await waitFor(() => Date.now() > Date.parse(first?.queuedAt ?? ''));
    await records.variants.update(id, 'w=1', 'v1', ['queued'], { status: 'rendering', attempt: true });
    await records.variants.update(id, 'w=1', 'v1', ['rendering'], { status: 'failed' });
    t.match(await records.variants.list(id), [{ queuedAt: first?.queuedAt }]);
    const [second] = await records.variants.queue(id, 'v1', ['w=1']);
    t.ok((second?.queuedAt ?? '') > (first?.queuedAt ?? ''));
    t.same(await records.variants.list(id), [second]);
  });

  it('of 20 workers that claim a variant at once, one gets it', async (t) => {
    const id = await imageId();
    await records.variants.queue(id, 'v1', ['w=1']);
    const change = { status: 'rendering', attempt: true } as const;
    const claims = Array.from({ length: 20 }, () =>
      records.variants.update(id, 'w=1', 'v1', ['queued'], change),
    );
    t.equal((await Promise.all(claims)).filter(Boolean).length, 1);
    t.match(await records.variants.list(id), [{ attempts: 1 }]);
  });

  it('queueing at once with claims never takes a claim back', async (t) => {
    const id = await imageId();
    const names = Array.from({ length: 10 }, (_, n) => `w=${n}`);
    await records.variants.queue(id, 'v1', names);
    const claims = names.map((name) =>
      records.variants.update(id, name, 'v1', ['queued'], { status: 'rendering', attempt: true }),
    );
    const queues = names.map(() => records.variants.queue(id, 'v1', names));
    t.ok((await Promise.all(claims)).every(Boolean));
    await Promise.all(queues);
    for (const variant of await records.variants.list(id))
      t.match(variant, { status: 'rendering', attempts: 1 });
  });

  it('variants of one image and the image itself change at once without getting in each other’s way', async (t) => {
    const id = await imageId();
    const names = Array.from({ length: 20 }, (_, n) => `w=${n}`);
    await records.variants.queue(id, 'v1', names);
    const moves = names.map((name) =>
      records.variants.update(id, name, 'v1', ['queued'], { status: 'ready' }),
    );
    const more = records.variants.queue(id, 'v1', ['h=1', 'h=2']);
    t.match(await records.images.update(id, 1, { status: 'processing' }), { revision: 2 });
    t.ok((await Promise.all(moves)).every(Boolean));
    t.equal((await more).length, 2);
    t.equal((await records.variants.list(id)).length, 22);
  });

  it('a removal at once with queueing leaves no variant behind', async (t) => {
    const ids = await Promise.all(Array.from({ length: 10 }, imageId));
    await each(ids, async (id) => {
      await records.variants.queue(id, 'v1', ['w=0']);
      const queues = [1, 2, 3].map((n) => records.variants.queue(id, 'v1', [`w=${n}`]));
      t.ok(await records.images.remove(id));
      for (const queued of await Promise.all(queues)) t.ok(queued.length < 2);
      t.same(await records.variants.list(id), []);
      t.equal(await records.variants.update(id, 'w=0', 'v1', ['queued'], { status: 'ready' }), false);
      await records.images.create(newImage(id));
      t.same(await records.variants.list(id), [], 'also for the next image of that id');
      const [queued] = await records.variants.queue(id, 'v1', ['w=0']);
      t.same(await records.variants.list(id), [queued]);
    });
  });
}
