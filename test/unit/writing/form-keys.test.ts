import t from 'tap';
import { STAGED } from '../../../server/core/query/id.ts';
import { formKey, idOfForm } from '../../../server/writing/form-keys.ts';

t.test('a form has a key of its own, which tells its image and its announcement', async (t) => {
  const announced = { contentType: 'image/jpeg', bytes: 7, secret: 'one' };
  for (const id of ['a.jpg', 'b/c d.jpg', '写真/x.png', `${'é'.repeat(100)}.jpg`]) {
    const key = formKey({ id, announced }) ?? '';
    t.equal(idOfForm(key), id);
    t.not(formKey({ id, announced: { ...announced, secret: 'two' } }), key, 'a later announcement');
  }
  t.equal(formKey({ id: 'a.jpg' }), undefined, 'never announced');
  const { secret: _, ...former } = announced;
  t.equal(formKey({ id: 'a.jpg', announced: former }), undefined, 'of an earlier checkout');
  for (const key of [
    'a.jpg',
    STAGED,
    `${STAGED}0123`,
    `${STAGED}0123/`,
    `${STAGED}0123/a//b`,
    `${STAGED}0123/../a`,
  ])
    t.equal(idOfForm(key), undefined, key);
});
