import type { Group, Member, Picture } from '../server/core/plan/groups.ts';
import type { Outcome } from '../server/core/render/fan-out.ts';
import type { Original } from '../server/reading/originals.ts';
import { type Planned, priceOf, type Renderer } from '../server/reading/renderer.ts';
import { errorOf } from '../server/sandbox/failure.ts';
import type { RenderPool } from '../server/sandbox/pool.ts';
import type { GroupPart } from '../server/sandbox/protocol.ts';
import type { Admission } from '../server/shared/admission.ts';

export interface RenderEvents {
  /** A picture is begun; false: nobody wants it any more. Runs in the slot, so it should be short. */
  readonly begin: (picture: Picture) => Promise<boolean>;
  /** A member is done, well or not, in so many ms of one core. Not waited for: a slow store holds no slot. */
  readonly done: (outcome: Outcome, ms: number) => void;
}

/** A member that a render process can make. */
export type PlannedMember = Member & Pick<Planned, 'spec'>;

export interface Rendering extends RenderEvents {
  readonly admission: Admission;
  readonly pool: RenderPool;
  readonly renderer: Renderer;
  readonly original: Original;
  readonly signal: AbortSignal;
  /** Whatever else is to be rendered goes before. */
  readonly isPatient?: boolean;
}

/**
 * Renders groups, each in one slot of admission and one process.
 *
 * @throws the signal's reason once nothing is under way any more
 */
export async function renderGroups(
  groups: readonly Group<PlannedMember>[],
  rendering: Rendering,
): Promise<void> {
  const ended = await Promise.allSettled(groups.map((group) => renderGroup(group, rendering)));
  for (const outcome of ended) if (outcome.status === 'rejected') throw outcome.reason;
}

async function renderGroup(group: Group<PlannedMember>, rendering: Rendering): Promise<void> {
  const open = new Map(group.pictures.flat().map((member) => [member.name, member]));
  const { admission, signal, isPatient } = rendering;
  const { source } = group.pictures[0][0].plan;
  const permit = await admission.acquire({ ...priceOf(source, group.cost), isPatient }, signal);
  try {
    await run([...open.values()], group, { ...rendering, open });
  } catch (error) {
    rendering.signal.throwIfAborted();
    // One of several may have taken the process down: what is left is tried one by one.
    const rest = [...open.values()];
    if (group.pictures.flat().length === 1) fail(rest, error, rendering);
    else for (const member of rest) await runAlone(member, group, { ...rendering, open });
  } finally {
    permit.release();
  }
}

interface Run extends Rendering {
  /** Members that are not done yet. */
  readonly open: Map<string, PlannedMember>;
}

async function runAlone(member: PlannedMember, group: Group<PlannedMember>, rendering: Run): Promise<void> {
  try {
    await run([member], group, rendering);
  } catch (error) {
    rendering.signal.throwIfAborted();
    fail([member], error, rendering);
  }
}

async function run(
  members: readonly PlannedMember[],
  { cost, pictures }: Group<PlannedMember>,
  { pool, renderer, original, signal, open, begin, done }: Run,
): Promise<void> {
  const asks = { original: original.ref, specs: members.map(({ spec }) => spec) };
  await pool.run('group', asks, {
    signal,
    ...renderer.limitsOf(pictures[0][0].plan.source, cost),
    part: (part) => {
      const member = open.get(part.canonical);
      if (member && open.delete(part.canonical)) done(outcomeOf(member, part), part.ms);
    },
    begins: (canonicals) => {
      const picture = pictures.find((members) => members.some(({ name }) => canonicals.includes(name)));
      return picture ? begin(picture) : Promise.resolve(false);
    },
  });
}

function fail(members: readonly PlannedMember[], error: unknown, { done }: Rendering): void {
  for (const member of members) done({ member, error }, 0);
}

const outcomeOf = (member: Member, { rendered, failure }: GroupPart): Outcome =>
  rendered ? { member, rendered } : { member, error: errorOf(failure ?? { detail: 'No answer.' }) };
