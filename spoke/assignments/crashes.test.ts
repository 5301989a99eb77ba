import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labels } from '../../shared/kernel/mod.ts';
import { KubeError, refOf, refText, type KubeClient } from '../kube/mod.ts';
import { configMap, deployment, filesOf, Rig } from './testing/rig.ts';

// A spoke that dies at every point where it does something that lasts: before it, and after it without having heard the answer.

const lasting = ['apply', 'create', 'update', 'delete'];

/** Dies at the n-th lasting step (from 0); from then on nothing it does has any effect. */
class Dying {
  readonly #at: number;
  readonly #when: 'before' | 'after';
  steps = 0;
  dead = false;

  constructor(at: number, when: 'before' | 'after') {
    this.#at = at;
    this.#when = when;
  }

  async step<T>(work: () => Promise<T>): Promise<T> {
    if (this.dead) throw new Error('dead');
    const mine = this.steps++ === this.#at;
    if (mine && this.#when === 'before') this.#die();
    const result = await work();
    if (mine) this.#die();
    return result;
  }

  #die(): never {
    this.dead = true;
    throw new Error('killed');
  }

  attach(rig: Rig): void {
    rig.client = new Proxy<KubeClient>(rig.kube, {
      get: (target, name: keyof KubeClient) => {
        const method = (target[name] as (...args: unknown[]) => unknown).bind(target);
        if (!lasting.includes(name)) return method;
        return (...args: unknown[]) => {
          const options = args[2] as { dryRun?: boolean } | undefined;
          return options?.dryRun ? method(...args) : this.step(() => Promise.resolve(method(...args)));
        };
      },
    });
    const save = rig.records.save.bind(rig.records);
    const remove = rig.records.remove.bind(rig.records);
    rig.records.save = (...args) => this.step(() => save(...args));
    rig.records.remove = (...args) => this.step(() => remove(...args));
  }

  static detach(rig: Rig): void {
    rig.client = rig.kube;
    // The prototype's methods again.
    Reflect.deleteProperty(rig.records, 'save');
    Reflect.deleteProperty(rig.records, 'remove');
  }
}

/** Every object that bears our marks is in the inventory: no crash may leave one that nobody knows. */
function nothingUnknown(rig: Rig): void {
  const known = new Set((rig.records.records.get('p1')?.inventory ?? []).map(({ ref }) => refText(ref)));
  for (const object of rig.kube.objects())
    if (object.metadata.labels?.[labels.assignment] === 'p1')
      assert.ok(known.has(refText(refOf(object))), `${refText(refOf(object))} leaked`);
}

interface Scenario {
  readonly name: string;
  /** Runs the part in which it dies. */
  readonly act: (rig: Rig) => Promise<void>;
  /** What is said to the new process. */
  readonly wish: (rig: Rig) => Promise<void>;
  readonly expected: readonly string[];
}

const first = filesOf(deployment('web'), configMap('old'), configMap('kept'));
const second = filesOf(deployment('web', 'nginx:2'), configMap('kept'), configMap('new'));
const ours = (rig: Rig): readonly string[] =>
  rig.kube
    .objects()
    .filter(({ metadata }) => metadata.labels?.[labels.assignment] === 'p1')
    .map(({ kind, metadata }) => `${kind}/${metadata.name}`)
    .sort();

const scenarios: readonly Scenario[] = [
  {
    name: 'on the way to a second revision',
    act: async (rig) => {
      rig.desire(await rig.assignment('p1', second));
      await rig.run(5_000);
    },
    wish: async (rig) => rig.desire(await rig.assignment('p1', second)),
    expected: ['ConfigMap/kept', 'ConfigMap/new', 'Deployment/web'],
  },
  {
    name: 'on the way to a second revision, and is sent back to the first',
    act: async (rig) => {
      rig.desire(await rig.assignment('p1', second));
      await rig.run(5_000);
    },
    wish: async (rig) => rig.desire(await rig.assignment('p1', first)),
    expected: ['ConfigMap/kept', 'ConfigMap/old', 'Deployment/web'],
  },
  {
    name: 'on the way to a second revision that is refused half-way, and keeps what it has written of it',
    act: async (rig) => {
      const apply = rig.kube.apply.bind(rig.kube);
      rig.kube.apply = async (kind, object, options, signal) => {
        if (object.kind === 'Deployment' && !options.dryRun) throw new KubeError('INVALID', 'refused');
        return apply(kind, object, options, signal);
      };
      rig.desire(await rig.assignment('p1', second));
      await rig.run(5_000);
      for (const name of ['new', 'old']) {
        const object = rig.object('ConfigMap', name);
        if (object) rig.kube.remove(object);
      }
      await rig.run(5_000);
    },
    wish: async (rig) => {
      Reflect.deleteProperty(rig.kube, 'apply');
      rig.desire(await rig.assignment('p1', second));
    },
    expected: ['ConfigMap/kept', 'ConfigMap/new', 'Deployment/web'],
  },
  {
    name: 'while it corrects drift',
    act: async (rig) => {
      const get = (kind: string, name: string) => rig.object(kind, name) ?? assert.fail(name);
      rig.kube.remove(get('Deployment', 'web'));
      rig.kube.remove(get('ConfigMap', 'kept'));
      rig.kube.put({ ...get('ConfigMap', 'old'), data: { value: 'theirs' } });
      rig.desire(await rig.assignment('p1', first));
      await rig.run(5_000);
    },
    wish: async (rig) => rig.desire(await rig.assignment('p1', first)),
    expected: ['ConfigMap/kept', 'ConfigMap/old', 'Deployment/web'],
  },
  {
    name: 'while it carries out a tombstone',
    act: async (rig) => {
      const a = await rig.assignment('p1', first);
      rig.desire({ ...a, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE' });
      await rig.run(5_000);
    },
    wish: async (rig) => {
      const a = await rig.assignment('p1', first);
      rig.desire({ ...a, state: 'ASSIGNMENT_STATE_REMOVED', deletionPolicy: 'DELETION_POLICY_DELETE' });
    },
    expected: [],
  },
];

for (const scenario of scenarios)
  test(`a spoke that dies ${scenario.name}: every step, before and after it`, async () => {
    let points = 0;
    for (const when of ['before', 'after'] as const)
      for (let at = 0; ; at++) {
        const rig = new Rig();
        rig.start();
        rig.desire(await rig.assignment('p1', first));
        await rig.run();
        assert.deepEqual(ours(rig), ['ConfigMap/kept', 'ConfigMap/old', 'Deployment/web']);
        await rig.stop();

        const dying = new Dying(at, when);
        dying.attach(rig);
        rig.start();
        await scenario.act(rig);
        if (!dying.dead) {
          await rig.stop();
          break;
        }
        points += 1;
        nothingUnknown(rig);
        await rig.stop();
        Dying.detach(rig);
        rig.reports.clear();
        rig.start();
        await scenario.wish(rig);
        await rig.run(60_000);
        assert.deepEqual(ours(rig), scenario.expected, `${when} step ${at}`);
        if (scenario.expected.length > 0) {
          assert.equal(rig.report().health, 'HEALTH_HEALTHY', `${when} step ${at}: ${rig.report().message}`);
          assert.deepEqual([...rig.inventory()].sort(), scenario.expected, `${when} step ${at}`);
        } else assert.equal(rig.report().removed, true, `${when} step ${at}`);
        nothingUnknown(rig);
        rig.kube.forgetRequests();
        await rig.run(60_000);
        assert.deepEqual(rig.written(), [], `${when} step ${at}: quiet afterwards`);
        await rig.stop();
      }
    assert.ok(points >= 8, `${points} points`);
  });
