import type { Condition, ConnectionState, Convergence, Health } from '../schemas/words.ts';

interface State {
  readonly connection: ConnectionState;
  readonly convergence: Convergence;
  readonly health: Health;
  readonly reason: string;
  readonly message: string;
  readonly since: string | null;
}

const statusOf = (good: boolean, unknown: boolean): Condition['status'] => (good ? 'True' : unknown ? 'Unknown' : 'False');

/** The three things as Kubernetes would say them, for `kubectl wait` habits. Pure. */
export function conditionsOf({ connection, convergence, health, reason, message, since }: State): Condition[] {
  const on = (type: Condition['type'], status: Condition['status'], why: string): Condition => ({
    type,
    status,
    reason: status === 'True' ? why : type === 'Healthy' ? reason : why,
    message: status === 'True' ? '' : message,
    lastTransitionTime: status === 'True' ? null : since,
  });
  return [
    on('Connected', statusOf(connection === 'Connected', false), connection),
    on('Converged', statusOf(convergence === 'Converged' || convergence === 'Empty', convergence === 'Unknown'), convergence),
    on('Healthy', statusOf(health === 'Healthy', health === 'Unknown' || health === 'Empty'), health),
  ];
}
