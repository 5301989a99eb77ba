import { z } from 'zod';
import { time } from '../kinds/parts.ts';
import { ApiError } from '../problems/errors.ts';
import { invited } from '../schemas/answers.ts';
import type { Page } from '../page.ts';
import type { Operation } from './operation.ts';

const nothing = z.object({});

/** A way into the page for a person with a token: what they see there is what `read` shows them here. */
export const pageOperations = (page: Pick<Page, 'invite'>): readonly Operation[] => [
  {
    id: 'inviteBrowser',
    method: 'POST',
    path: '/v1alpha1/page/invitations',
    scope: 'read',
    summary: 'Makes a code that lets one browser see the page, once and soon; its session can do nothing else',
    params: nothing,
    query: nothing,
    answer: invited,
    handle: async ({ caller }) => {
      if (!caller) throw new ApiError('UNAUTHENTICATED', 'only a token invites');
      const { code, expiresAt } = page.invite(caller);
      return { path: `/login#${code}`, expiresAt: time(expiresAt) };
    },
  },
];
