import { Field, ObjectType } from 'type-graphql';
import type { Identity } from '../../auth/caller.js';

const API_KEY = 'Public prefix of the API key, never the secret. Example: `"gme_live_a1B2c3D4"`.';
const OAUTH_USER_ID = 'Subject of the bearer token. Example: `"3f6c1c9e-5d0b-4a0e-9f57-0f1c6f1f2f60"`.';

@ObjectType({
  description: 'Who is asking, as the server understood the credentials of the request.',
})
export class Viewer implements Identity {
  @Field(() => String, { nullable: true, description: API_KEY })
  readonly apiKey!: string | null;

  @Field(() => String, { nullable: true, description: OAUTH_USER_ID })
  readonly oauthUserId!: string | null;

  @Field(() => Boolean, { description: 'Whether the caller sees and changes the games of every owner.' })
  readonly isAdmin!: boolean;
}

@ObjectType({
  description: 'The identities that own something, or that did something.',
})
export class Principal implements Identity {
  @Field(() => String, { nullable: true, description: API_KEY })
  readonly apiKey!: string | null;

  @Field(() => String, { nullable: true, description: OAUTH_USER_ID })
  readonly oauthUserId!: string | null;
}
