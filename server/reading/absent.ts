import { isProblem, Problem } from '../shared/errors.ts';

export const isAbsent = (error: unknown): boolean => isProblem(error) && error.code === 'image_not_found';

export const refuse = (id: string): never => {
  throw notFound(id);
};

export function notFound(id: string): Problem {
  return new Problem('image_not_found', `There is no image "${id}".`, { param: 'id', received: id });
}
