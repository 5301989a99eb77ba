import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  apiserverArguments,
  clusterLayout,
  controllerManagerArguments,
  etcdArguments,
  fleetLayout,
  kwokArguments,
  schedulerArguments,
} from './layouts.ts';

const fleet = fleetLayout('/data');
const ports = { etcd: 20_000, apiserver: 20_001 };
const of = (name: string) => {
  const cluster = clusterLayout('/data', name);
  return {
    etcd: etcdArguments(fleet, ports.etcd),
    apiserver: apiserverArguments(fleet, cluster, name, ports),
    controllerManager: controllerManagerArguments(cluster),
    scheduler: schedulerArguments(cluster),
    kwok: kwokArguments(fleet, cluster),
  };
};
const valueOf = (args: readonly string[], flag: string): string | undefined =>
  args.find((arg) => arg.startsWith(`--${flag}=`))?.slice(flag.length + 3);

test('two clusters share etcd and nothing in it', () => {
  const [a, b] = [of('a').apiserver, of('b').apiserver];
  assert.equal(valueOf(a, 'etcd-servers'), valueOf(b, 'etcd-servers'));
  assert.equal(valueOf(a, 'etcd-prefix'), '/registry/a');
  assert.equal(valueOf(b, 'etcd-prefix'), '/registry/b');
  for (const flag of ['client-ca-file', 'service-account-key-file', 'tls-private-key-file', 'audit-log-path']) {
    assert.notEqual(valueOf(a, flag), valueOf(b, flag), flag);
  }
});

test('everything listens on loopback only, and asks who is there', () => {
  const { etcd, apiserver, controllerManager, scheduler, kwok } = of('a');
  assert.equal(valueOf(etcd, 'listen'), 'https://127.0.0.1:20000');
  assert.equal(valueOf(apiserver, 'bind-address'), '127.0.0.1');
  assert.equal(valueOf(apiserver, 'authorization-mode'), 'RBAC');
  assert.equal(valueOf(apiserver, 'anonymous-auth'), 'false');
  assert.deepEqual(
    [valueOf(controllerManager, 'secure-port'), valueOf(scheduler, 'secure-port'), valueOf(kwok, 'node-port')],
    ['0', '0', '0'],
  );
});

test('each part has a kubeconfig of its own, so that the audit log tells them apart', () => {
  const { controllerManager, scheduler, kwok } = of('a');
  const paths = [controllerManager, scheduler, kwok].map((args) => valueOf(args, 'kubeconfig'));
  assert.equal(new Set([...paths, clusterLayout('/data', 'a').kubeconfig]).size, 4);
});

test('the first argument chooses the part of the binary', () => {
  assert.deepEqual(
    Object.values(of('a')).map(([first]) => first),
    ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kwok'],
  );
});
