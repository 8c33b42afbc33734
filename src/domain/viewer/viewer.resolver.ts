import { Ctx, Extensions, Query, Resolver } from 'type-graphql';
import type { Context } from '../../app/context.js';
import { identityOf } from '../../auth/caller.js';
import { Viewer } from './viewer.type.js';

@Resolver()
export class ViewerResolver {
  @Extensions({ isPublic: true })
  @Query(() => Viewer, { description: 'Who is asking. Needs no credential.' })
  viewer(@Ctx() context: Context): Viewer {
    return { ...identityOf(context.viewer), isAdmin: context.viewer.kind === 'admin' };
  }
}
