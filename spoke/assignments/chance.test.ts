import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Assignment } from '../../proto/mod.ts';
import { seededRandom } from '../../shared/clock/mod.ts';
import { labels } from '../../shared/kernel/mod.ts';
import { KubeError, refOf, refText, type KubeClient, type KubeCode, type KubeObject } from '../kube/mod.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// One assignment under whatever chance brings: revisions that overtake each other, refusals, lost answers, deaths, people. What must always hold is held
// against each deletion as it is asked for; in the end, when all is well again, what is there is what is wanted, and everything else is known.

const seeds = 8;
const shareMax = 0.5;
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const codes: readonly KubeCode[] = ['SERVER_UNAVAILABLE', 'FORBIDDEN', 'INVALID', 'BAD_RESPONSE', 'CONFLICT', 'TOO_MANY_REQUESTS'];

function diceOf(seed: number) {
  const random = seededRandom(seed);
  return {
    is: (share: number): boolean => random.next() < share,
    upTo: (count: number): number => Math.floor(random.next() * count),
    of: <T>(all: readonly T[]): T => all[Math.floor(random.next() * all.length)] as T,
  };
}
type Dice = ReturnType<typeof diceOf>;

interface Wanted {
  readonly assignment: Assignment;
  readonly names: ReadonlySet<string>;
}

class Story {
  readonly rig = new Rig();
  readonly #dice: Dice;
  /** By revision. */
  readonly #revisions = new Map<string, Wanted>();
  #wanted: Wanted | undefined;
  #dead = false;
  #over = false;
  /** Deletions since the record was kept last: one step. */
  #step = { saves: -1, names: new Set<string>() };
  /** What must not have been: thrown, it would be one more trouble that the spoke copes with. */
  readonly #violations: string[] = [];

  constructor(dice: Dice) {
    this.#dice = dice;
    this.rig.client = this.#watched();
  }

  async start(): Promise<void> {
    this.#dead = false;
    this.rig.start();
    if (this.#wanted) this.rig.desire(this.#wanted.assignment);
    await this.rig.run(200);
  }

  async revision(chosen: readonly string[], image: string, value: string): Promise<Wanted> {
    const files = filesOf(deployment('web', image), ...chosen.map((name) => configMap(name, value)));
    const assignment = await this.rig.assignment('p1', files, { prune: { shareMax } });
    const known = this.#revisions.get(assignment.revision);
    if (known) return known;
    const wanted = { assignment, names: new Set(['web', ...chosen]) };
    this.#revisions.set(assignment.revision, wanted);
    return wanted;
  }

  want(wanted: Wanted): void {
    this.#wanted = wanted;
    this.rig.desire(wanted.assignment);
  }

  /** From now on nothing that this process does lasts. */
  async die(): Promise<void> {
    this.#dead = true;
    await this.rig.stop();
  }

  get ours(): readonly KubeObject[] {
    return this.rig.kube.objects().filter(({ metadata }) => metadata.labels?.[labels.assignment] === 'p1');
  }

  #watched(): KubeClient {
    const { rig } = this;
    const own: Partial<KubeClient> = {
      delete: async (kind, ref, options, signal) => {
        if (this.#dead) throw new KubeError('SERVER_UNAVAILABLE', 'dead');
        this.#judge(refText(ref), ref.name);
        return rig.kube.delete(kind, ref, options, signal);
      },
      apply: async (kind, object, options, signal) => {
        const dying = !this.#over && !options.dryRun && this.#dice.is(0.01);
        if (this.#dead) throw new KubeError('SERVER_UNAVAILABLE', 'dead');
        const answer = await rig.kube.apply(kind, object, options, signal);
        if (!dying) return answer;
        this.#dead = true;
        throw new KubeError('SERVER_UNAVAILABLE', 'died before it heard the answer');
      },
    };
    return new Proxy<KubeClient>(rig.kube, {
      get: (target, name: keyof KubeClient) => own[name] ?? (target[name] as () => unknown).bind(target),
    });
  }

  get dead(): boolean {
    return this.#dead;
  }

  #judge(text: string, name: string): void {
    const { saves, records } = this.rig.records;
    const { inventory = [], applied, applying } = records.get('p1') ?? {};
    const say = (what: string): number => this.#violations.push(`${text} is deleted ${what}`);
    if (applying) say('while a revision is half written');
    if (!this.#wanted || applied?.revision !== this.#wanted.assignment.revision) say('for another revision than the wanted one');
    if (this.#wanted?.names.has(name)) say('and wanted');
    const one = inventory.find(({ ref }) => refText(ref) === text);
    if (!one?.dropped || one.rebuilt) say('and was not dropped by a revision that is applied');
    const there = new Set(this.rig.kube.objects().map(({ metadata }) => metadata.name));
    for (const wanted of this.#wanted?.names ?? []) if (!there.has(wanted)) say(`while ${wanted} is not there`);
    if (this.rig.broken.has('web')) say('while a Deployment is not ready');
    if (this.#step.saves !== saves) this.#step = { saves, names: new Set() };
    this.#step.names.add(text);
    const before = inventory.length - (applied?.added ?? 0);
    if (this.#step.names.size > shareMax * before) say(`as one of ${this.#step.names.size} in a step, where there were ${before}`);
  }

  /** One thing that happens. */
  async happen(): Promise<void> {
    const dice = this.#dice;
    const { rig } = this;
    const what = dice.upTo(12);
    if (what <= 2)
      this.want(
        await this.revision(
          names.filter(() => dice.is(0.5)),
          `nginx:${dice.upTo(3)}`,
          String(dice.upTo(3)),
        ),
      );
    else if (what === 3)
      rig.kube.fail({ verb: dice.of(['apply', 'get', 'list', 'delete', 'watch'] as const), code: dice.of(codes), times: 1 + dice.upTo(6) });
    else if (what === 4)
      rig.kube.fail({
        verb: 'apply',
        name: dice.of(['web', ...names]),
        code: dice.of(codes),
        times: 1 + dice.upTo(4),
        answerLost: dice.is(0.5),
      });
    else if (what === 5) {
      await this.die();
      await this.start();
    } else if (what === 6) rig.registryUp = !rig.registryUp;
    else if (what === 7) this.#disturb(dice.of(this.ours));
    else if (what === 8 && dice.is(0.5)) rig.broken.add('web');
    else if (what === 8) rig.broken.clear();
    else if (what === 9) rig.kube.compact();
    else if (what === 10) {
      let failing = 1 + dice.upTo(3);
      rig.records.before = (method) => {
        if (method === 'save' && failing-- > 0) throw new Error('not kept');
      };
    } else void rig.spoke.syncNow('p1');
  }

  #disturb(object: KubeObject | undefined): void {
    if (!object) return;
    const how = this.#dice.upTo(3);
    if (how === 0) this.rig.kube.remove(object);
    else if (how === 1 && object.kind === 'ConfigMap') this.rig.kube.put({ ...object, data: { value: 'theirs' } }, 'kubectl-edit');
    else
      this.rig.kube.put(
        { ...object, metadata: { ...object.metadata, annotations: { ...object.metadata.annotations, note: 'x' } } },
        'kubectl',
      );
  }

  /** Long times in few steps; controllers work before and after. */
  async pass(minutes: number): Promise<void> {
    for (let i = 0; i < minutes; i++) {
      await this.rig.clock.advance(59_000);
      await this.rig.run(1_000);
    }
  }

  async end(): Promise<void> {
    const { rig } = this;
    this.#over = true;
    rig.kube.heal();
    rig.broken.clear();
    rig.registryUp = true;
    rig.records.before = () => {};
    if (this.#dead) {
      await this.die();
      await this.start();
    }
    // What was invalid is asked for again only when somebody says so.
    void rig.spoke.syncNow('p1');
    await this.pass(15);
    assert.deepEqual(this.#violations, []);
    const wanted = this.#wanted ?? assert.fail();
    const report = rig.report();
    assert.deepEqual([report.health, report.revisionApplied], ['HEALTH_HEALTHY', wanted.assignment.revision], report.message);
    const there = new Map(this.ours.map((object) => [object.metadata.name, object]));
    for (const name of wanted.names) assert.ok(there.has(name), `${name} is wanted and not there`);
    for (const [name, object] of there)
      if (object.kind === 'ConfigMap' && wanted.names.has(name)) assert.notEqual((object['data'] as { value: string }).value, 'theirs');
    const known = new Set(rig.records.records.get('p1')?.inventory.map(({ ref }) => refText(ref)));
    assert.deepEqual(
      this.ours.map((object) => refText(refOf(object))).filter((name) => !known.has(name)),
      [],
      'left behind',
    );
    assert.equal(
      known.size - wanted.names.size,
      report.inventory?.prunePending,
      'what is not wanted and still there is said to be held back',
    );
    rig.kube.forgetRequests();
    const { saves } = rig.records;
    await this.pass(10);
    assert.deepEqual([rig.written(), rig.records.saves], [[], saves], 'quiet afterwards');
    await rig.stop();
  }
}

for (let seed = 1; seed <= seeds; seed++)
  test(`chance ${seed}`, async () => {
    const dice = diceOf(seed);
    const story = new Story(dice);
    await story.start();
    story.want(await story.revision(['a', 'b', 'c'], 'nginx:1', '1'));
    await story.rig.run();
    for (let i = 0; i < 30; i++) {
      await story.happen();
      await story.rig.run(dice.of([0, 100, 300, 1_000, 3_000]));
      if (dice.is(0.15)) await story.pass(1);
      if (story.dead) {
        await story.die();
        await story.start();
      }
    }
    await story.end();
  });
