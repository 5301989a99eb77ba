import assert from 'node:assert/strict';
import test from 'node:test';
import type { Evidence, Silence } from '#hub/health/mod.ts';
import type { ToldCluster, ToldPlacement } from './model.ts';
import { clusterNews, placementNews } from './transitions.ts';

const now = 1_000_000;
const heard: ToldCluster = { contact: 'Connected', at: now - 90_000 };
const lost: ToldCluster = { contact: 'SpokeSilent', at: now - 300_000 };

const contacts: readonly (readonly [
  name: string,
  told: ToldCluster | undefined,
  silence: Silence | undefined,
  news: string,
  told: string,
])[] = [
  ['the first contact', undefined, undefined, 'Normal Connected: its agent is heard', 'Connected now'],
  ['never heard', undefined, 'NotConnected', '', ''],
  ['still heard', heard, undefined, '', 'Connected 90'],
  ['lost', heard, 'NotConnected', 'Warning NotConnected: the spoke is not connected; what runs there', 'NotConnected now'],
  ['its API server is dead', heard, 'ClusterApiSilent', 'Warning ClusterApiSilent: connection refused; what runs', 'ClusterApiSilent now'],
  ['still silent', lost, 'SpokeSilent', '', 'SpokeSilent 300'],
  ['silent for another reason is the same silence', lost, 'NotConnected', '', 'NotConnected 300'],
  ['heard again', lost, undefined, 'Normal Connected: heard again after 5m (SpokeSilent)', 'Connected now'],
  ['the hub settles: it is the suspect', heard, 'Settling', '', 'Connected 90'],
  ['the hub settles while it was lost', lost, 'Settling', '', 'SpokeSilent 300'],
  ['reports are on their way', heard, 'ReportsOutOfDate', '', 'Connected 90'],
];
for (const [name, told, silence, news, after] of contacts)
  test(`contact: ${name}`, () => {
    const { told: next, happenings } = clusterNews(told, silence, silence === 'ClusterApiSilent' ? 'connection refused' : '', now);
    const text = happenings.map(({ type, reason, message }) => `${type} ${reason}: ${message}`).join('\n');
    assert.equal(text.slice(0, news.length), news);
    assert.equal(text === '', news === '');
    assert.equal(next ? `${next.contact} ${next.at === now ? 'now' : (now - next.at) / 1000}` : '', after);
  });

const evidence = (health: Evidence['health'], reason: string = health, message = '', vouched = true): Evidence => ({
  health,
  reason,
  message,
  vouched,
  revisionApplied: 'r',
  ageMs: 0,
});
const told = (health: ToldPlacement['health'], reason: string = health): ToldPlacement => ({ health, reason, at: now - 42_000, drift: {} });

const changes: readonly (readonly [name: string, told: ToldPlacement | undefined, evidence: Evidence, news: string])[] = [
  ['well from the beginning', undefined, evidence('Healthy'), ''],
  ['well after only drift was told', told(''), evidence('Healthy'), ''],
  [
    'ill from the beginning',
    undefined,
    evidence('Degraded', 'ImagePullBackOff', 'web: no such image'),
    'Warning Degraded/ImagePullBackOff: ImagePullBackOff: web: no such image',
  ],
  [
    'falls ill',
    told('Healthy'),
    evidence('Degraded', 'CrashLoopBackOff', 'CrashLoopBackOff: web'),
    'Warning Degraded/CrashLoopBackOff: CrashLoopBackOff: web; was Healthy before',
  ],
  ['ill for another reason', told('Degraded', 'A'), evidence('Degraded', 'B', 'x'), 'Warning Degraded/B: B: x'],
  ['still ill', told('Degraded', 'A'), evidence('Degraded', 'A', 'with another message'), ''],
  ['well again', told('Degraded', 'A'), evidence('Healthy'), 'Normal Healthy/A: healthy again; was Degraded for 42s (A)'],
  ['still well', told('Healthy'), evidence('Healthy', 'Ready'), ''],
  ['on its way', told('Healthy'), evidence('Progressing', 'Applying'), ''],
  ['on its way out of illness', told('Degraded'), evidence('Progressing', 'Applying'), ''],
  ['set aside', told('Healthy'), evidence('Suspended'), ''],
  [
    'its spoke cannot say',
    told('Healthy'),
    evidence('Unknown', 'WatchLost', 'no answer'),
    'Warning Unknown/WatchLost: WatchLost: no answer; was Healthy before',
  ],
  ['nothing vouches: an event of its cluster', told('Healthy'), evidence('Unknown', 'SpokeSilent', '', false), ''],
  ['not reported yet', told('Healthy'), evidence('Unknown', 'NoReport'), ''],
  ['nothing wanted yet', undefined, evidence('Unknown', 'NothingWanted'), ''],
];
for (const [name, before, given, news] of changes)
  test(`health: ${name}`, () => {
    const { told: next, happenings } = placementNews(before, given, now);
    assert.equal(happenings.map(({ type, reason, cause, message }) => `${type} ${reason}/${cause}: ${message}`).join('\n'), news);
    if (news !== '') assert.deepEqual([next?.health, next?.reason, next?.at], [given.health, given.reason, now]);
  });

test('who looks twice hears nothing new', () => {
  for (const [, before, given] of changes) {
    const { told: next } = placementNews(before, given, now);
    const again = placementNews(next, given, now + 5);
    assert.deepEqual([again.happenings, again.told], [[], next]);
  }
});
