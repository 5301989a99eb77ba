import { isName, type Inputs } from '../../shared/kernel/mod.ts';
import { accountOf as userOf } from '../tenancy/mod.ts';

/** The user that everything of an assignment is written as; undefined: the inputs name no account, and then nothing is written. */
export const accountOf = ({ serviceAccount }: Pick<Inputs, 'serviceAccount'>): string | undefined =>
  isName(serviceAccount) ? userOf(serviceAccount) : undefined;
